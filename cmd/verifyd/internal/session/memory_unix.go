//go:build unix

package session

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// Map maps the first n bytes of a file that another process has mapped, too. The returned function lets them go.
func Map(f *os.File, n int) ([]byte, func() error, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if n < 1 || n > math.MaxInt-1 || info.Size() < int64(n) {
		return nil, nil, fmt.Errorf("memory: %d bytes, %d needed", info.Size(), n)
	}
	memory, err := unix.Mmap(int(f.Fd()), 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, nil, fmt.Errorf("memory: %w", err)
	}
	return memory, func() error { return unix.Munmap(memory) }, nil
}
