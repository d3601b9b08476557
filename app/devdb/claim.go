package devdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const claimName = "lock"

// ErrInUse says that another process has claimed the folder.
var ErrInUse = errors.New("another process is at work on it: stop that one first (a second `mage dev`, perhaps)")

// take claims the server's folder.
func (s *Server) take() error {
	claim, err := Claim(s.options.Dir)
	if err != nil {
		return fmt.Errorf("use %s: %w", s.options.Dir, err)
	}
	s.claim = claim
	return s.owner.ownFile(claim)
}

func (s *Server) release() {
	if s.claim != nil {
		_ = s.claim.Close()
		s.claim = nil
	}
}

// Claim locks a folder for this process until the file is closed. The system gives the lock back when the
// process ends in any way, so that it is never stale. While another process has it the error is ErrInUse.
func Claim(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, claimName), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("its %s is a symbolic link, which leads elsewhere: see who made it, and remove it", claimName)
	}
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrInUse
		}
		return nil, err
	}
	return file, nil
}

// sweep ends the servers in memory of processes that were killed before they could, and removes
// their folders: each would hold its memory until the machine restarts. Those of other users stay.
func sweep(ctx context.Context, o *owner) {
	dirs, _ := filepath.Glob(filepath.Join(memoryDir, memoryPrefix+"*"))
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, claimName)); err != nil {
			continue // being made this very moment
		}
		if err := o.trust(dir); err != nil {
			continue // its lock and its data may lead anywhere
		}
		claim, err := Claim(dir)
		if err != nil {
			continue // in use
		}
		left := &Server{options: Options{Dir: dir}, data: filepath.Join(dir, "data")}
		if err := left.clearStale(ctx); err == nil {
			_ = os.RemoveAll(dir)
		}
		_ = claim.Close()
	}
}
