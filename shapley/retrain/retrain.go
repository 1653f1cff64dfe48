package retrain

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"sync"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/engine"
)

// Options choose the model and how it is computed.
type Options struct {
	Steps  int           // of each training, 1 to 10,000; 0 stands for 20
	Decay  float64       // of the weights, from 1e-6 to 1e6; 0 stands for 1, scikit-learn's default
	Device engine.Device // where it is computed. Not part of the game
}

func (o *Options) check() error {
	if o.Steps == 0 {
		o.Steps = 20
	}
	if o.Steps < 1 || o.Steps > 10_000 {
		return fmt.Errorf("steps: %d is outside 1 to 10000", o.Steps)
	}
	if o.Decay == 0 {
		o.Decay = 1
	}
	if !(o.Decay >= 1e-6 && o.Decay <= 1e6) {
		return fmt.Errorf("decay: %v is outside 1e-06 to 1e+06", o.Decay)
	}
	if o.Device == nil {
		return errors.New("device: none is given")
	}
	return nil
}

// Game is a data game. Its utility is, for a logistic model, the share of validation rows that it predicts rightly, where a row
// whose likeliest classes are k that it cannot tell apart counts for 1/k;
// for a linear one the mean squared error of predicting 0 less its own. Both
// are rounded half to even to 1e-9. Calls of its methods follow one another.
type Game struct {
	data    Data
	options Options
	mu      sync.Mutex
	trainer *trainer
	zero    mean // squared error of predicting 0
}

// How many columns of a product a batch has at most: wide enough for the product to be fast, and on a device whose memory
// is not this process' so few that its logits have 64 MiB.
const (
	batchColumns = 256
	apartColumns = 4096
	apartWords   = 1 << 24
)

// columnsOf is that number for rows on a device.
func columnsOf(device engine.Device, rows int) int {
	if _, ok := engine.Host(device); ok {
		return batchColumns
	}
	return max(batchColumns, min(apartColumns, apartWords/rows))
}

// New checks the data and makes its game. Close releases its memory.
func New(ctx context.Context, d Data, o Options) (*Game, error) {
	g, err := newGame(ctx, d, o)
	if err != nil {
		return nil, fmt.Errorf("retrain: %w", err)
	}
	return g, nil
}

func newGame(ctx context.Context, d Data, o Options) (*Game, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	columns, curve := 1, sigmoidCurve
	switch {
	case d.Targets != nil:
		curve = squareCurve
	case d.classes > 2:
		columns, curve = d.classes, softmaxCurve
	}
	g := &Game{data: d, options: o}
	var err error
	if g.zero, err = d.predictNothing(); err != nil {
		return nil, err
	}
	if g.trainer, err = newTrainer(ctx, &d, columns, max(1, columnsOf(o.Device, d.rows)/columns), curve, o); err != nil {
		return nil, err
	}
	return g, nil
}

// Players is the number of rows, or of their owners.
func (g *Game) Players() int { return g.data.players }

// Facts are the bounds of a share for a logistic model; a squared error has none.
func (g *Game) Facts() shapley.Facts {
	if g.data.Targets != nil {
		return shapley.Facts{}
	}
	return shapley.Facts{Bounds: shapley.Share()}
}

// Close releases the memory. No call may be under way or follow.
func (g *Game) Close() { _ = g.trainer.memory.Close(context.Background()) } // a device that fails here has nothing more to give

// Utilities trains a model for each coalition.
func (g *Game) Utilities(ctx context.Context, coalitions []shapley.Coalition, out []int64) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	t := g.trainer
	for lo := 0; lo < len(coalitions); lo += t.most {
		batch := coalitions[lo:min(lo+t.most, len(coalitions))]
		all := t.batch(len(batch))
		for r := range t.rows {
			weights, p := all[r*t.models:(r+1)*t.models], g.data.owner(r)
			for m, c := range batch {
				if c.Has(p) {
					weights[m] = 1
				}
			}
		}
		if err := t.train(ctx); err != nil {
			return fmt.Errorf("retrain: %w", err)
		}
		outputs, err := t.predict(ctx, false)
		if err != nil {
			return fmt.Errorf("retrain: %w", err)
		}
		for m, c := range batch {
			if g.data.Targets == nil {
				out[lo+m] = g.utility(outputs, m)
			} else if out[lo+m], err = g.explained(outputs, m); err != nil {
				return fmt.Errorf("retrain: coalition %d, of %d players: %w", lo+m, c.Size(), err)
			}
		}
	}
	return nil
}

// utility judges model m of the batch by its outputs.
func (g *Game) utility(outputs []float32, m int) int64 {
	wide := g.trainer.columns * g.trainer.models
	var right tally
	for r, y := range g.data.ValidationLabels {
		right.add(g.trainer.among(outputs[r*wide:(r+1)*wide], m, y))
	}
	if right.shared == nil {
		return shapley.ShareOf(right.whole, int64(g.data.val))
	}
	sum := right.sum()
	sum.Mul(sum, big.NewRat(shapley.Unit, int64(g.data.val)))
	return rounded(sum)
}

// Root commits to the game: SHA-256 over a domain, the shape, steps and decay, and all rows, labels and
// owners, as little-endian words.
func (g *Game) Root() [32]byte {
	h := sha256.New()
	h.Write([]byte("verifyd/shapley/retrain/1\n"))
	d := &g.data
	var b []byte
	for _, n := range []int{d.Width, d.rows, d.val, d.classes, d.players, g.options.Steps} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	b = binary.LittleEndian.AppendUint64(b, math.Float64bits(g.options.Decay))
	h.Write(b)
	for _, x := range [][]float32{d.Train, d.Validation, d.Targets, d.ValidationTargets} {
		b = b[:0]
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		h.Write(b)
	}
	b = b[:0]
	for _, y := range d.Labels {
		b = binary.LittleEndian.AppendUint32(b, uint32(y))
	}
	for _, y := range d.ValidationLabels {
		b = binary.LittleEndian.AppendUint32(b, uint32(y))
	}
	for r := range d.rows {
		b = binary.LittleEndian.AppendUint32(b, uint32(d.owner(r)))
	}
	h.Write(b)
	return [32]byte(h.Sum(nil))
}
