package cli

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// reportEvery is how often long work says where it is when nobody watches a
// bar.
const reportEvery = 10 * time.Second

// progress returns a function that long work calls with how much of it is
// done. On a terminal it draws a bar on standard error, which is gone when the
// work is; elsewhere it writes a line every ten seconds.
func (a *app) progress(what string) func(done, total uint64) {
	if a.structured() {
		return a.steps(what)
	}
	if f, ok := a.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return a.drawBar(f, what)
	}
	last := time.Now()
	return func(done, total uint64) {
		if now := time.Now(); done < total && now.Sub(last) >= reportEvery {
			last = now
			a.note("%s: %d of %d", what, done, total)
		}
	}
}

func (a *app) drawBar(f *os.File, what string) func(done, total uint64) {
	var bar *progressbar.ProgressBar
	return func(done, total uint64) {
		a.terminal.Lock()
		defer a.terminal.Unlock()
		if bar == nil {
			bar = progressbar.NewOptions64(int64(total),
				progressbar.OptionSetWriter(f),
				progressbar.OptionSetDescription(what),
				progressbar.OptionSetWidth(30),
				progressbar.OptionShowCount(),
				progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionClearOnFinish(),
			)
		}
		a.bar = bar
		if done >= total {
			a.bar = nil
		}
		// A bar that cannot be drawn is no reason to stop working.
		_ = bar.Set64(int64(done))
	}
}
