package devdb

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owner is the unprivileged user that runs the server when we are root; nil when we are not.
type owner struct{ uid, gid int }

func unprivileged() (*owner, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(account.Uid)
		gid, gidErr := strconv.Atoi(account.Gid)
		if err := errors.Join(uidErr, gidErr); err != nil {
			return nil, fmt.Errorf("the account %s: %w", name, err)
		}
		return &owner{uid, gid}, nil
	}
	return nil, errors.New("PostgreSQL refuses to run as root and there is no account postgres or nobody: run this as another user")
}

// keepOwner lets the data's own user run the server, whoever we are: after `sudo` once, and without
// it the next time, the data is still that of the first.
func (s *Server) keepOwner() error {
	info, err := os.Stat(s.data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the data: %w", err)
	}
	system, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	switch uid := int(system.Uid); {
	case s.owner == nil && uid != os.Geteuid():
		return fmt.Errorf("the data in %s belongs to another user (uid %d): run this as that user, or delete the folder to begin anew", s.options.Dir, uid)
	case s.owner != nil && uid != 0:
		s.owner = &owner{uid, int(system.Gid)}
	}
	return nil
}

// attributes make a child process run as the owner and in a process group of its own, so that the
// Ctrl-C of a terminal does not reach it before us.
func (o *owner) attributes() *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setpgid: true}
	if o != nil {
		attributes.Credential = &syscall.Credential{Uid: uint32(o.uid), Gid: uint32(o.gid)}
	}
	return attributes
}

// makeAmongOthers makes a folder where any user can make one, and takes the one that is there only if
// trust does.
func (o *owner) makeAmongOthers(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return o.trust(dir)
}

// trust refuses a folder in which another user could have left links that lead us elsewhere.
func (o *owner) trust(dir string) error {
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	system, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return refusal(dir, "is a link or a file")
	case ok && int(system.Uid) != os.Geteuid() && (o == nil || int(system.Uid) != o.uid):
		return refusal(dir, fmt.Sprintf("belongs to another user (uid %d)", system.Uid))
	case info.Mode().Perm()&0o022 != 0:
		return refusal(dir, "can be written to by other users")
	}
	data := filepath.Join(dir, "data")
	if info, err := os.Lstat(data); err == nil && !info.IsDir() {
		return refusal(data, "is a link or a file")
	}
	return nil
}

func refusal(path, why string) error {
	return fmt.Errorf("%s %s, so that its data may be another's: see who made it, and remove it to begin anew", path, why)
}

func (o *owner) own(path string) error {
	if o == nil {
		return nil
	}
	if err := os.Chown(path, o.uid, o.gid); err != nil {
		return fmt.Errorf("hand %s to the user that runs PostgreSQL: %w", path, err)
	}
	return nil
}

// ownFile is own for an open file, whatever its path leads to by now.
func (o *owner) ownFile(file *os.File) error {
	if o == nil {
		return nil
	}
	if err := file.Chown(o.uid, o.gid); err != nil {
		return fmt.Errorf("hand %s to the user that runs PostgreSQL: %w", file.Name(), err)
	}
	return nil
}
