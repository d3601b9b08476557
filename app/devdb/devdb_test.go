package devdb

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// quick leaves the disk alone: these tests kill processes, not machines.
var quick = []string{"fsync=off", "shared_buffers=16MB"}

// folder is one that the unprivileged user can reach, which t.TempDir is not.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rifaapp-devdb-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func start(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Options{Dir: dir, Settings: quick})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

func query[T any](t *testing.T, s *Server, sql string) (value T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

// remember writes a row that must survive; it returns once the row is committed.
func remember(t *testing.T, s *Server) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(t.Context(), `CREATE TABLE kept AS SELECT 42 AS n`); err != nil {
		t.Fatal(err)
	}
}

func mustRemember(t *testing.T, s *Server) {
	t.Helper()
	if n := query[int](t, s, `SELECT n FROM kept`); n != 42 {
		t.Errorf("the row holds %d, want 42", n)
	}
}

func TestDataIsKeptBetweenRuns(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, dir)
	remember(t, s)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "data", "postmaster.pid")); err == nil {
		t.Error("the shutdown was not a clean one: its lock is still there")
	}
	mustRemember(t, start(t, dir))
}

func TestRestartAfterKill(t *testing.T) {
	t.Parallel()
	s := start(t, folder(t))
	remember(t, s)
	port := s.Port
	for range 3 {
		if err := s.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		mustRemember(t, s)
	}
	if s.Port != port {
		t.Errorf("the port changed from %d to %d", port, s.Port)
	}
}

// A run that dies takes its claim with it and leaves the server, or the server's lock, behind.
func TestStartAfterACrashedRun(t *testing.T) {
	t.Parallel()
	for name, crash := range map[string]func(*testing.T, *Server){
		"server still running": func(*testing.T, *Server) {},
		"server killed too": func(t *testing.T, s *Server) {
			if err := s.Kill(t.Context()); err != nil {
				t.Fatal(err)
			}
		},
		"its process number is another's by now": func(t *testing.T, s *Server) {
			if err := s.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			lock := strconv.Itoa(os.Getpid()) + "\n" + s.data + "\n"
			if err := os.WriteFile(filepath.Join(s.data, "postmaster.pid"), []byte(lock), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t)
			first := start(t, dir)
			remember(t, first)
			crash(t, first)
			first.release()
			mustRemember(t, start(t, dir))
		})
	}
}

func TestStartInHalfMadeFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	if err := os.MkdirAll(filepath.Join(dir, "data", "base"), 0o755); err != nil {
		t.Fatal(err)
	}
	remember(t, start(t, dir))
}

func TestFolderInUseIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	s := start(t, dir)
	if _, err := Start(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("a second start on the same folder: %v, want %v", err, ErrInUse)
	}
	query[int](t, s, `SELECT 1`) // the first one does not notice
}

func TestDataOfAnotherVersionIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	if err := start(t, dir).Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Options{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "made by PostgreSQL 9") {
		t.Errorf("data of version 9: %v, want advice", err)
	}
}

func TestOnlyThisMachineWithThePassword(t *testing.T) {
	t.Parallel()
	s := start(t, folder(t))
	if addresses := query[string](t, s, `SHOW listen_addresses`); addresses != "127.0.0.1" {
		t.Errorf("it listens on %s", addresses)
	}
	s.Password += "x"
	if conn, err := pgx.Connect(t.Context(), s.DSN("postgres")); err == nil {
		_ = conn.Close(t.Context())
		t.Error("a wrong password was accepted")
	}
}

func TestEphemeralLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), Options{Ephemeral: true, Settings: quick})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.Dir()); err == nil {
		t.Errorf("%s is still there", s.Dir())
	}
}

// Whoever starts a server that does not answer reads why in its log, which for an ephemeral one goes with
// its folder.
func TestAServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), Options{Ephemeral: true, Settings: quick})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	if err := s.Kill(t.Context()); err != nil {
		t.Fatal(err)
	}
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	err = s.Restart(ctx)
	if !errors.Is(err, enough) || !strings.Contains(err.Error(), "starting PostgreSQL") {
		t.Errorf("neither why nor what the log says: %v", err)
	}
	if _, err := os.Stat(s.Dir()); err == nil {
		t.Errorf("%s is still there", s.Dir())
	}
}

func TestSweepEndsWhatKilledRunsLeft(t *testing.T) {
	t.Parallel()
	s, err := Start(t.Context(), Options{Ephemeral: true, Settings: quick})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(s.Dir(), memoryDir) {
		_ = s.Stop(t.Context())
		t.Skip("this machine has no " + memoryDir + ": the system clears its temporary folder itself")
	}
	sweep(t.Context(), s.owner)
	if s.gone() {
		t.Fatal("a server in use was ended")
	}
	s.release() // as the end of our process does
	sweep(t.Context(), s.owner)
	<-s.Ended()
	// Every server that starts sweeps: one of another test may be at this folder before us.
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(s.Dir()); err != nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is still there", s.Dir())
		}
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	if reachable(filepath.Join(closed, "data")) {
		t.Error("a folder inside a private one was called reachable")
	}
	if !reachable("/var/tmp/data") {
		t.Error("/var/tmp/data was called unreachable")
	}
}

func TestMajorIn(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]int{
		"/usr/lib/postgresql/15/bin": 15, "/opt/homebrew/opt/postgresql@16/bin": 16, "/usr/bin": 0, "/usr/pgsql-9.6/bin": 6,
	} {
		if got := majorIn(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// Data that another user's run made stays that user's: root serves it as that user, others are told.
func TestDataOfAnotherUser(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root can hand data over to another user")
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Skipf("there is no other user here: %v", err)
	}
	dir := folder(t)
	s := start(t, dir)
	remember(t, s)
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if output, err := exec.Command("chown", "-R", nobody.Uid, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	again := start(t, dir)
	if n := query[int](t, again, `SELECT n FROM kept`); n != 42 {
		t.Errorf("the row is %d", n)
	}
	for _, path := range []string{again.LogPath(), filepath.Join(dir, claimName)} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if owner, ok := info.Sys().(*syscall.Stat_t); !ok || strconv.Itoa(int(owner.Uid)) != nobody.Uid {
			t.Errorf("%s is no longer the user's", path)
		}
	}
	plain := &Server{options: Options{Dir: dir}, data: filepath.Join(dir, "data")}
	if err := plain.keepOwner(); err == nil || !strings.Contains(err.Error(), "run this as that user, or delete the folder") {
		t.Errorf("somebody else is told: %v", err)
	}
}

// stranger is a user who is neither us nor the one that runs the server.
const stranger = 54321

// Where any user can make a folder, root takes none that another may have made, and follows no link in it.
func TestFallbackOfAnotherUserIsRefused(t *testing.T) {
	t.Parallel()
	o, err := unprivileged()
	if err != nil || o == nil {
		t.Skipf("only root keeps its data at another place: %v", err)
	}
	for name, plant := range map[string]func(dir, elsewhere string) error{
		"another user's": func(dir, _ string) error { return errors.Join(os.Mkdir(dir, 0o755), os.Chown(dir, stranger, stranger)) },
		"a link":         func(dir, elsewhere string) error { return os.Symlink(elsewhere, dir) },
		"a file":         func(dir, _ string) error { return os.WriteFile(dir, nil, 0o600) },
		"open to others": func(dir, _ string) error { return errors.Join(os.Mkdir(dir, 0o755), os.Chmod(dir, 0o777)) },
		"a link as the data": func(dir, elsewhere string) error {
			return errors.Join(os.Mkdir(dir, 0o755), os.Symlink(elsewhere, filepath.Join(dir, "data")))
		},
		"a link as the lock": func(dir, elsewhere string) error {
			return errors.Join(os.Mkdir(dir, 0o755), os.Symlink(filepath.Join(elsewhere, "victim"), filepath.Join(dir, claimName)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			closed, elsewhere := filepath.Join(folder(t), "closed"), folder(t)
			if err := errors.Join(os.Mkdir(closed, 0o700), os.WriteFile(filepath.Join(elsewhere, "victim"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			dir := fallback(filepath.Join(closed, "postgres"))
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			if err := plant(dir, elsewhere); err != nil {
				t.Fatal(err)
			}
			s := &Server{options: Options{Dir: filepath.Join(closed, "postgres")}, owner: o}
			err := s.prepareDir()
			s.release()
			if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "remove it") {
				t.Errorf("it says %v", err)
			}
			for _, path := range []string{elsewhere, filepath.Join(elsewhere, "victim")} {
				if uid, err := userOf(path); uid != 0 {
					t.Errorf("%s was handed to user %d, %v", path, uid, err)
				}
			}
		})
	}
}

func userOf(path string) (int, error) {
	info, err := os.Stat(path)
	if err != nil {
		return -1, err
	}
	return int(info.Sys().(*syscall.Stat_t).Uid), nil
}

// What root finds in memory may be there to lead it elsewhere.
func TestSweepFollowsNobody(t *testing.T) {
	t.Parallel()
	o, err := unprivileged()
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := folder(t)
	kept := filepath.Join(elsewhere, "postmaster.pid")
	if err := os.WriteFile(kept, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	plant := func() string {
		dir, err := os.MkdirTemp(memoryDir, memoryPrefix)
		if err != nil {
			t.Skipf("no folder in memory: %v", err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		return dir
	}
	linked := plant()
	if err := errors.Join(os.Symlink(elsewhere, filepath.Join(linked, "data")), os.WriteFile(filepath.Join(linked, claimName), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	stay := []string{kept, linked}
	if o != nil {
		theirs := plant()
		if err := errors.Join(os.WriteFile(filepath.Join(theirs, claimName), nil, 0o600), os.Chown(theirs, stranger, stranger)); err != nil {
			t.Fatal(err)
		}
		stay = append(stay, theirs)
	}
	sweep(t.Context(), o)
	for _, path := range stay {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("it went too far: %v", err)
		}
	}
}
