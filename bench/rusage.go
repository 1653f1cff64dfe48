//go:build unix

package bench

import (
	"os"
	"syscall"
	"time"
)

// processTime is the user and system time that this process has used, 0 if the system does not say.
func processTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peakMemory is the largest resident set of an ended process in bytes, 0 if the system does not say.
// Linux counts in KiB.
func peakMemory(p *os.ProcessState) int64 {
	u, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return int64(u.Maxrss) * 1024
}
