package artifact

import (
	"archive/zip"
	"debug/elf"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// clone makes another checkout of the commit at hand, elsewhere.
func clone(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "checkout")
	top, err := exec.Command("git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		t.Fatalf("this test needs the Git checkout it lies in: %v", err)
	}
	if output, err := exec.Command("git", "clone", "--quiet", strings.TrimSpace(string(top)), dir).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, output)
	}
	return dir
}

func TestTwoBuildsOfOneCommitAreEqual(t *testing.T) {
	t.Parallel()
	var packed [2][]byte
	var built [2]Artifact
	for i := range packed {
		var err error
		if built[i], err = Build(t.Context(), Options{Source: clone(t), Dir: t.TempDir(), Arch: runtime.GOARCH}); err != nil {
			t.Fatal(err)
		}
		if packed[i], err = os.ReadFile(built[i].Path); err != nil {
			t.Fatal(err)
		}
	}
	if string(packed[0]) != string(packed[1]) || built[0].SHA256 != built[1].SHA256 {
		t.Errorf("two builds of %s differ: %s and %s", built[0].Commit, built[0].SHA256, built[1].SHA256)
	}
	t.Log(built[0])
	if sum, err := base64.StdEncoding.DecodeString(built[0].SHA256); err != nil || len(sum) != 32 {
		t.Errorf("sha256 is %q", built[0].SHA256)
	}
	archive, err := zip.OpenReader(built[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if len(archive.File) != 1 || archive.File[0].Name != "bootstrap" || archive.File[0].Mode().Perm() != 0o755 || !archive.File[0].Modified.Equal(epoch) {
		t.Errorf("the zip holds %d files, the first %+v", len(archive.File), archive.File[0].FileHeader)
	}
	checkProgram(t, built[0])
}

// checkProgram starts what is inside: it says what it was built from, and needs no library.
func checkProgram(t *testing.T, a Artifact) {
	t.Helper()
	program, err := Unpack(a.Path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(program, "version").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{a.Version, a.Commit, a.BuildTime} {
		if part == "" || !strings.Contains(string(said), part) {
			t.Errorf("the program says %q and not %q", said, part)
		}
	}
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if libraries, _ := file.ImportedLibraries(); len(libraries) > 0 {
		t.Errorf("the program needs %v", libraries)
	}
}

func TestBuildRefusesOtherMachines(t *testing.T) {
	t.Parallel()
	if _, err := Build(t.Context(), Options{Dir: t.TempDir(), Arch: "riscv64"}); err == nil || !strings.Contains(err.Error(), "arm64 or amd64") {
		t.Errorf("got %v", err)
	}
}

func TestUnpackSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := Unpack(filepath.Join(t.TempDir(), "none.zip"), t.TempDir()); err == nil || !strings.Contains(err.Error(), "mage build") {
		t.Errorf("got %v", err)
	}
}
