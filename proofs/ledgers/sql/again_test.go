package sql

import (
	"context"
	"errors"
	"fmt"
	"testing"
)

// stateError is an error as PostgreSQL's drivers return it.
type stateError string

func (e stateError) Error() string    { return "SQLSTATE " + string(e) }
func (e stateError) SQLState() string { return string(e) }

func TestWhatTheDatabaseUndidIsTriedAgainAndNothingElse(t *testing.T) {
	for state, want := range map[string]int{"40001": 4, "40P01": 4, "23505": 1, "57014": 1} {
		tries := 0
		err := again(t.Context(), func() error {
			if tries++; tries == 4 {
				return nil
			}
			return fmt.Errorf("ledger: %w", errors.Join(stateError(state)))
		})
		if tries != want || (err == nil) != (want == 4) {
			t.Errorf("%s: %d tries, want %d: %v", state, tries, want, err)
		}
	}
}

func TestTryingAgainEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	err := again(ctx, func() error {
		if tries++; tries == 3 {
			cancel()
		}
		return stateError("40001")
	})
	if !errors.Is(err, context.Canceled) || !undone(err) || tries > 4 {
		t.Errorf("%d tries: %v", tries, err)
	}
}
