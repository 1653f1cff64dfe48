package pool

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
)

// Record appends what was signed to the transparency log and hands it out once it is in there for good: nobody has it
// before. Without a log, nil, it is handed out as it is. It does not wait until the entries are published.
func Record(ctx context.Context, l *translog.Log, entries [][]byte, handOut func() error) error {
	if l != nil {
		if _, err := l.Append(ctx, entries...); err != nil {
			return err
		}
	}
	return handOut()
}

// Log is a transparency log that is opened for one piece of work. A server, which is the one process that writes its
// log, opens it once and for all with package translog.
type Log struct {
	Folder    string
	Signers   []*translog.Signer // of checkpoints: the log's, and those that follow it or that it follows
	Witnesses []byte             // policy whose quorum must cosign; nil for none
	Timeout   time.Duration      // how long to wait for the last checkpoint; 0 is a minute
	Logger    *slog.Logger
}

// interval is the least time between checkpoints that translog knows: whoever opens a log for one piece of work waits
// for its checkpoint.
const interval = 100 * time.Millisecond

// ErrFewWitnesses says that entries are in the log for good and not published: too few witnesses answered in time.
var ErrFewWitnesses = errors.New("too few witnesses answered")

// Write opens the log for as long as use takes, behind a [Gate]. What use appended is published when Write returns nil.
func (o *Log) Write(ctx context.Context, use func(*translog.Log) error) error {
	l, err := translog.Open(ctx, o.Folder, translog.Options{
		Signer: o.Signers[0], Also: o.Signers[1:], Witnesses: o.Witnesses, Interval: interval, Gate: NewGate(), Logger: o.Logger,
	})
	if err != nil {
		return err
	}
	used := use(l)
	wait, cancel := context.WithTimeout(ctx, cmp.Or(o.Timeout, time.Minute))
	defer cancel()
	closed := l.Close(wait)
	if used == nil && o.Witnesses != nil && errors.Is(closed, context.DeadlineExceeded) {
		return &unpublishedError{closed}
	}
	return errors.Join(used, closed)
}

// unpublishedError is of the class ErrFewWitnesses and says what its cause says.
type unpublishedError struct{ error }

// Unwrap returns the cause and the class.
func (e *unpublishedError) Unwrap() []error { return []error{e.error, ErrFewWitnesses} }
