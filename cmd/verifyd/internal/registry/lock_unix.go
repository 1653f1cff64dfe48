//go:build unix

package registry

import (
	"os"
	"syscall"
)

// lock waits until no other process has the file's lock, and takes it. It goes with the process, however it ends.
func lock(f *os.File) (unlock func() error, err error) {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == syscall.EINTR {
			continue
		}
		return func() error { return syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }, err
	}
}
