//go:build !unix

package bench

import (
	"os"
	"time"
)

// processTime is unknown here.
func processTime() time.Duration { return 0 }

// peakMemory is unknown here.
func peakMemory(*os.ProcessState) int64 { return 0 }
