package shapley

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Limits of a game.
const (
	// MaxPlayers bounds every game.
	MaxPlayers = 1 << 20
	// MaxUtility bounds the magnitude of a utility, so that a binary64 holds it and that sums of 2^72
	// marginals fit 128 bits.
	MaxUtility = 1 << 53
	// Unit is the utility 1: utilities are fixed-point integers in units of 1e-9, those of a proof.
	Unit = 1_000_000_000
)

// Game is a cooperative game: what each coalition of players achieves.
//
// A utility depends on the coalition alone, never on the batch in which it is asked for, the number of
// threads or what was asked before: estimators, audits and resumed runs rely on it.
type Game interface {
	// Players is the number n of players, 1 to MaxPlayers.
	Players() int
	// Utilities sets out[k] to the utility of coalitions[k], in units of 1e-9 unless the game says
	// otherwise. It spreads the work over threads as it sees fit, keeps no coalition and changes none.
	Utilities(ctx context.Context, coalitions []Coalition, out []int64) error
}

// Func is the game of a Go function, which is called from several goroutines.
type Func struct {
	N       int // players
	Threads int // goroutines; 0 takes runtime.GOMAXPROCS(0)
	Utility func(ctx context.Context, c Coalition) (int64, error)
}

// Players is f.N.
func (f Func) Players() int { return f.N }

// Utilities calls f.Utility for each coalition.
func (f Func) Utilities(ctx context.Context, coalitions []Coalition, out []int64) error {
	threads := f.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, threads))
	for k, c := range coalitions {
		g.Go(func() (err error) {
			if err = ctx.Err(); err == nil {
				out[k], err = f.Utility(ctx, c)
			}
			return err
		})
	}
	return g.Wait()
}

// Table is a game by its utilities: that of the coalition with the bits m is element m.
type Table []int64

// NewTable checks that a table has the utility of each of 2^n coalitions, the empty one included.
func NewTable(utilities []int64) (Table, error) {
	n := len(utilities)
	if n < 2 || n&(n-1) != 0 || n > 1<<MaxExact {
		return nil, fmt.Errorf("table: %d utilities: want 2^n for n players, 1 to %d, that of the empty coalition first", n, MaxExact)
	}
	for m, u := range utilities {
		if err := checkUtility(u); err != nil {
			return nil, fmt.Errorf("table: coalition %#x: %w", m, err)
		}
	}
	return utilities, nil
}

// Players is log2 of the table's length.
func (t Table) Players() int {
	n := 0
	for 1<<n < len(t) {
		n++
	}
	return n
}

// Utilities looks the coalitions up.
func (t Table) Utilities(_ context.Context, coalitions []Coalition, out []int64) error {
	for k, c := range coalitions {
		out[k] = t[c[0]]
	}
	return nil
}

// ErrOverflow says that a utility is beyond MaxUtility.
var ErrOverflow = errors.New("utility overflows the scale")

// checkUtility refuses utilities beyond MaxUtility.
func checkUtility(u int64) error {
	if u > MaxUtility || u < -MaxUtility {
		return fmt.Errorf("%w: %d is outside -%d to %[3]d", ErrOverflow, u, int64(MaxUtility))
	}
	return nil
}

// checkPlayers refuses numbers of players that no estimator takes.
func checkPlayers(n, limit int) error {
	if n < 1 || n > limit {
		return fmt.Errorf("players: %d is outside 1 to %d", n, limit)
	}
	return nil
}
