package head

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/engine"
)

// Limits of a game. With them a margin fits an int32.
const (
	MaxRows    = 1 << 20
	MaxClasses = 1 << 16
	maxLogit   = 1<<30 - 1 // of the base and of all contributions together
)

// Game is the game of a linear head on validation rows. The logits of a coalition are Base plus its
// members' Players, all row-major [rows x Classes] in one fixed-point scale; the first of the largest
// wins. The utility is the share of rows whose label wins, in units of 1e-9, rounded half to even; that of nobody is
// the base's.
type Game struct {
	labels  []int32
	classes int
	base    []int32
	players [][]int32
}

// New checks the logits: base and each player's contribution are len(labels)*classes integers, whose
// magnitudes sum to less than 2^30 at every place. The slices are kept and must stay as they are.
func New(labels []int32, classes int, base []int32, players [][]int32) (*Game, error) {
	switch {
	case len(labels) < 1 || len(labels) > MaxRows:
		return nil, fmt.Errorf("head: labels: %d rows are outside 1 to %d", len(labels), MaxRows)
	case classes < 2 || classes > MaxClasses:
		return nil, fmt.Errorf("head: classes: %d is outside 2 to %d", classes, MaxClasses)
	case len(players) < 1 || len(players) > shapley.MaxPlayers:
		return nil, fmt.Errorf("head: players: %d is outside 1 to %d", len(players), shapley.MaxPlayers)
	case len(base) != len(labels)*classes:
		return nil, fmt.Errorf("head: base: %d logits given, %d needed", len(base), len(labels)*classes)
	}
	for r, y := range labels {
		if y < 0 || int(y) >= classes {
			return nil, fmt.Errorf("head: labels[%d]: %d is outside 0 to %d", r, y, classes-1)
		}
	}
	reach := make([]int64, len(base))
	for i, v := range base {
		reach[i] = magnitude(v)
	}
	for p, logits := range players {
		if len(logits) != len(base) {
			return nil, fmt.Errorf("head: players[%d]: %d logits given, %d needed", p, len(logits), len(base))
		}
		for i, v := range logits {
			if reach[i] += magnitude(v); reach[i] > maxLogit {
				return nil, fmt.Errorf("head: players[%d]: row %d: logits reach %d, above the limit %d", p, i/classes, reach[i], maxLogit)
			}
		}
	}
	return &Game{labels, classes, base, players}, nil
}

func magnitude(v int32) int64 { return max(int64(v), -int64(v)) }

// Players is the number of contributions.
func (g *Game) Players() int { return len(g.players) }

// Facts are the bounds of a share.
func (g *Game) Facts() shapley.Facts { return shapley.Facts{Bounds: shapley.Share()} }

// Utilities are the shares of rows that coalitions predict rightly.
func (g *Game) Utilities(ctx context.Context, coalitions []shapley.Coalition, out []int64) error {
	sums := sync.Pool{New: func() any { return new([]int32) }}
	return shapley.Func{N: len(g.players), Utility: func(_ context.Context, c shapley.Coalition) (int64, error) {
		if len(c) != shapley.Words(len(g.players)) {
			return 0, fmt.Errorf("head: coalition: %d words given, %d needed", len(c), shapley.Words(len(g.players)))
		}
		sum := sums.Get().(*[]int32)
		defer sums.Put(sum)
		*sum = append((*sum)[:0], g.base...)
		for _, i := range c.Members(nil) {
			if i >= len(g.players) {
				return 0, fmt.Errorf("head: coalition: player %d of %d", i, len(g.players))
			}
			for k, v := range g.players[i] {
				(*sum)[k] += v
			}
		}
		return shapley.ShareOf(g.right(*sum), int64(len(g.labels))), nil
	}}.Utilities(ctx, coalitions, out)
}

// right counts the rows whose label has the first of the largest logits.
func (g *Game) right(logits []int32) int64 {
	n := int64(0)
	for r, y := range g.labels {
		best := 0
		row := logits[r*g.classes : (r+1)*g.classes]
		for c, v := range row {
			if v > row[best] {
				best = c
			}
		}
		if best == int(y) {
			n++
		}
	}
	return n
}

// Quantise computes the fixed-point logits x*W^T of features x, rows x width, under a head's weight or
// an update of it already times its player's weight, classes x width, on a device: float32 products in the order of
// kernels.Gemm, times 2^bits and rounded half to even. It refuses results beyond the limits of New.
func Quantise(ctx context.Context, device engine.Device, x, weight []float32, rows, width, classes, bits int) ([]int32, error) {
	if rows < 1 || rows > MaxRows || classes < 2 || classes > MaxClasses || width < 1 || width > 1<<20 {
		return nil, fmt.Errorf("head: shape: %d rows, %d features and %d classes are outside the limits", rows, width, classes)
	}
	if bits < 0 || bits > 30 {
		return nil, fmt.Errorf("head: bits: %d is outside 0 to 30", bits)
	}
	op := kernels.Gemm{M: rows, N: classes, K: width, TransB: true, Profile: kernels.ProfileF32}
	exact := make([]float32, rows*classes)
	if err := kernels.Check(op, []kernels.Buf{{F: x}, {F: weight}, {F: exact}}); err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	if err := product(ctx, device, op, x, weight, exact); err != nil {
		return nil, fmt.Errorf("head: %w", err)
	}
	logits := make([]int32, rows*classes)
	for i, v := range exact {
		q := math.RoundToEven(float64(v) * float64(int64(1)<<bits))
		if !(math.Abs(q) <= maxLogit) {
			return nil, fmt.Errorf("head: row %d: logit %v at %d fraction bits is above the limit %d", i/classes, v, bits, maxLogit)
		}
		logits[i] = int32(q)
	}
	return logits, nil
}

// product computes op on a device.
func product(ctx context.Context, device engine.Device, op kernels.Gemm, a, b, c []float32) (err error) {
	var l engine.Layout
	at := []kernels.Range{l.Take(len(a)), l.Take(len(b)), l.Take(len(c))}
	m, err := device.Open(ctx, l.Words())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close(context.WithoutCancel(ctx))) }()
	for i, x := range [][]float32{a, b} {
		if err := m.Write(ctx, at[i].Offset, engine.Words(x)); err != nil {
			return err
		}
	}
	routine, err := m.Record(ctx, []kernels.Call{{Op: op, Operands: at}})
	if err != nil {
		return err
	}
	if err := m.Run(ctx, routine); err != nil {
		return err
	}
	return m.Read(ctx, engine.Words(c), at[2].Offset)
}
