package cli

import (
	"context"
	"os"
	"time"
)

// watchEvery is how often it is looked whether the process that started this one is still there.
const watchEvery = 200 * time.Millisecond

// stopTime is how long a command may take to end after that.
const stopTime = 5 * time.Second

// endWith ends the command when the process that started this one is not its parent any more: whoever is killed cannot tell
// its child. A parent of 0 is not watched.
func (a *app) endWith(ctx context.Context, parent int) {
	if parent == 0 {
		return
	}
	go func() {
		for os.Getppid() == parent {
			select {
			case <-ctx.Done():
				return
			case <-time.After(watchEvery):
			}
		}
		a.interrupt()
		time.Sleep(stopTime) // it has its files to put in order
		os.Exit(exitError)
	}()
}
