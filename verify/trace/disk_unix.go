//go:build unix

package trace

import (
	"errors"
	"os"
	"syscall"

	"github.com/verifyd/verifyd/verify/fault"
)

// lock takes the lock of a file, or says that another process has it. It goes with the process, however that ends.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return fault.New(fault.Internal, "", "", "another process is at work in this folder")
	}
	return err
}

// syncFolder brings the names in a folder onto the disk.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
