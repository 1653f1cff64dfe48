package translog_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
)

// crashFolder names, in the environment, the log of a process that is to be
// killed.
const crashFolder = "VERIFYD_TEST_LOG"

func TestMain(m *testing.M) {
	if err := translog.RedirectTessera(slog.New(slog.DiscardHandler)); err != nil {
		panic(err)
	}
	if dir := os.Getenv(crashFolder); dir != "" {
		os.Exit(appendAndAcknowledge(dir))
	}
	os.Exit(m.Run())
}

// appendAndAcknowledge is the process that is killed. It makes the log if
// there is none and appends to it, one entry, then past the end of a tile, then
// from several goroutines at once; after each it says which entries it was
// promised.
func appendAndAcknowledge(dir string) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := context.Background()
	s, err := testSigner("log")
	if err != nil {
		return fail(err)
	}
	if err := translog.Init(dir, s); err != nil && !errors.Is(err, fs.ErrExist) {
		return fail(err)
	}
	l, err := translog.Open(ctx, dir, translog.Options{Signer: s, Interval: 100 * time.Millisecond})
	if err != nil {
		return fail(err)
	}
	promise := func(from, to int) error {
		if _, err := l.Append(ctx, entries(from, to)...); err != nil {
			return err
		}
		fmt.Printf("%d-%d\n", from, to)
		return nil
	}
	if err := errors.Join(promise(0, 1), promise(1, 300)); err != nil {
		return fail(err)
	}
	errs := make([]error, 4)
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() { errs[i] = promise(300+i, 301+i) })
	}
	wait.Wait()
	if err := errors.Join(append(errs, l.Close(ctx))...); err != nil {
		return fail(err)
	}
	return 0
}
