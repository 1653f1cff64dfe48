package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
)

// A recorder is the log that what is signed goes to before anybody has it.
type recorder struct {
	folder string // no log if empty
	logOptions
}

func (r *recorder) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&r.folder, "log", "", "transparency log that gets what is signed, before it is written out")
	f.StringVar(&r.key, "log-key", "", "the log's private key")
	f.StringVar(&r.witnesses, "log-witnesses", "", "policy file of the log's witnesses")
	r.timeout = time.Minute
	cmd.MarkFlagsRequiredTogether("log", "log-key")
}

// recorded appends entries to the log, if there is one, and hands out what they
// are once they are in it for good. They are published by the time it returns.
func (a *app) recorded(ctx context.Context, r recorder, entries [][]byte, handOut func() error) error {
	return a.recordedOnce(ctx, r, func() error { return nil }, entries, handOut)
}

// recordedOnce does what recorded does once promise, which cannot be taken back, is made: after all that can be known
// to go wrong.
func (a *app) recordedOnce(ctx context.Context, r recorder, promise func() error, entries [][]byte, handOut func() error) error {
	record := func(l *translog.Log) error {
		if err := promise(); err != nil {
			return err
		}
		return pool.Record(ctx, l, entries, handOut)
	}
	if r.folder == "" {
		return record(nil)
	}
	return explainSpent(a.openLog(ctx, r.folder, &r.logOptions, record))
}
