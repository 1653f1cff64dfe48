package sql

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// Limits of trying a transaction again. Of callers that all want the same row one gets through at a time, so
// that many tries are needed where many call; each pause is drawn, so that they part.
const (
	maxTries   = 64
	firstPause = time.Millisecond
	lastPause  = 100 * time.Millisecond
)

// again runs a transaction until the database does not undo it for the sake of another. What undid it the last
// time is returned if it never gets through.
func again(ctx context.Context, transaction func() error) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := transaction()
		if err == nil || !undone(err) || try == maxTries {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(pause/2 + rand.N(pause)):
		}
		pause = min(2*pause, lastPause)
	}
}

// undone says whether a database undid a transaction because of another that ran beside it: SQLSTATE 40001, a
// serialization failure, or 40P01, a deadlock. Nothing of it is done, and it may well succeed the next time.
func undone(err error) bool {
	var state interface{ SQLState() string }
	return errors.As(err, &state) && (state.SQLState() == "40001" || state.SQLState() == "40P01")
}
