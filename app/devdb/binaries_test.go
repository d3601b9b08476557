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
