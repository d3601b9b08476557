package devdb

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Where no programs are installed they are fetched, checked and kept.
func TestFetchedPrograms(t *testing.T) { // not beside tests that fork: a file just written could not be run
	archive := packPrograms(t)
	sum := sha256.Sum256(archive)
	fetched := 0
	answer := func(jar []byte, checksum string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".sha256") {
				_, _ = io.WriteString(w, checksum)
				return
			}
			fetched++
			_, _ = w.Write(jar)
		}
	}
	for name, source := range map[string]http.HandlerFunc{
		"nothing there":  http.NotFound,
		"not an archive": answer([]byte("<html>"), ""),
		"another's sum":  answer(archive, strings.Repeat("0", 2*sha256.Size)),
	} {
		server := httptest.NewServer(source)
		if bin, err := downloaded(filepath.Join(folder(t), "postgres"), server.URL); err == nil {
			t.Errorf("%s: got %s", name, bin)
		}
		server.Close()
	}

	server := httptest.NewServer(answer(archive, hex.EncodeToString(sum[:])))
	defer server.Close()
	home := filepath.Join(folder(t), "postgres")
	fetched = 0
	for range 2 {
		bin, err := downloaded(home, server.URL)
		if err != nil {
			t.Fatal(err)
		}
		if bin != filepath.Join(home, "bin") || !usable(bin) {
			t.Fatalf("%s holds no programs that run", bin)
		}
	}
	if fetched != 1 {
		t.Errorf("fetched %d times", fetched)
	}
}

// packPrograms makes an archive as the repository has them, a zip around a tar.xz. Its programs only
// know their version: this is about fetching them.
func packPrograms(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, script := range map[string]string{
		"postgres": "#!/bin/sh\necho 'postgres (PostgreSQL) 18.1'\n", "initdb": "#!/bin/sh\nexit 1\n", "pg_ctl": "#!/bin/sh\nexit 1\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := exec.Command("tar", "-cJf", "-", "-C", dir, "--transform", "s,^,bin/,", "postgres", "initdb", "pg_ctl").Output()
	if err != nil {
		t.Skipf("tar cannot make a tar.xz here (is xz installed?): %v", err)
	}
	var archive bytes.Buffer
	writer := zip.NewWriter(&archive)
	file, err := writer.Create("programs.txz")
	if err == nil {
		_, err = file.Write(packed)
	}
	if err == nil {
		err = writer.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// programs makes a folder with these two, as shell scripts.
func programs(t *testing.T, postgres, initdb string) string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range map[string]string{"postgres": postgres, "initdb": initdb} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Betas and release candidates are of their major version: so says their data too.
func TestUnreleasedPrograms(t *testing.T) { // not beside tests that fork: a file just written could not be run
	for version, works := range map[string]bool{
		"17.2 (Debian 17.2-1)": true, "17beta1": true, "17rc2 (Debian 17~rc2-1)": true, "17devel": true, "13rc14": false, "9.6.24": false, "unknown": false,
	} {
		bin := programs(t, "echo 'postgres (PostgreSQL) "+version+"'", "")
		if got := usable(bin); got != works {
			t.Errorf("%s: usable is %t", version, got)
		}
		if !works {
			continue
		}
		for kept, fits := range map[string]bool{"17": true, "16": false} {
			s := &Server{bin: bin, data: t.TempDir()}
			if err := os.WriteFile(filepath.Join(s.data, "PG_VERSION"), []byte(kept+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := s.checkVersion(); (err == nil) != fits {
				t.Errorf("%s on data of %s: %v", version, kept, err)
			}
		}
	}
}

// An old system's initdb is understood, whatever the language of the person.
func TestInitdbSpeaksEnglish(t *testing.T) { // not beside tests that fork, as above
	t.Setenv("LC_ALL", "es_CO.UTF-8")
	s := &Server{bin: programs(t, "", `case "$LC_ALL $*" in
C*--lc-ctype=C) ;;
C*--lc-ctype=C\ *) ;;
C*) echo 'initdb: error: invalid locale name'; exit 1;;
*) echo 'initdb: error: nombre de configuración regional no válido'; exit 1;;
esac`)}
	s.options.Dir = t.TempDir()
	s.data = filepath.Join(s.options.Dir, "data")
	if err := s.initialize(t.Context()); err != nil {
		t.Error(err)
	}
}
