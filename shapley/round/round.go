package round

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/program"
)

// MaxPlayers bounds the players of a round.
const MaxPlayers = 1 << 16

// maxScored bounds the scored positions of the validation rows, so that a sum of losses fits an int64.
const maxScored = 1 << 22

// Round is what a game is about. Its slices are read, never changed and not copied: they must stay as
// they are while the game is in use.
type Round struct {
	Program *program.Program // the model; its optimizer, batch and dropout play no part
	Base    [][]float32      // w0: the parameters before the round, in the order of Plan.Params
	Updates [][][]float32    // d_i: each player's trained parameters minus w0, shaped as Base
	Sizes   []uint64         // n_i: rows that each player trained on, as verified, not as claimed
	X       kernels.Buf      // validation rows, one after another, as the program's input has them
	Y       kernels.Buf      // their labels
}

// layout is a checked round: its parameters and the shape of its validation rows.
type layout struct {
	walked []program.Walked
	params []program.TensorSpec
	rows   int // of X
	width  int // elements of one row of X
	labels int // elements of one row of Y
	scored int // positions with a loss of their own in one row
	cols   int // elements of the output at one position
}

// check refuses rounds that do not fit together and, but in updates, numbers that are not finite.
func (r *Round) check() (*layout, error) {
	if r.Program == nil {
		return nil, errors.New("program: missing")
	}
	plan, err := program.Compile(r.Program, kernels.ProfileF32)
	if err != nil {
		return nil, err
	}
	if !plan.Plain() {
		return nil, errors.New("program: graph: tied or frozen parameters or buffers, for which no value is defined")
	}
	walked, err := r.Program.Graph.Walk()
	if err != nil {
		return nil, err
	}
	l := &layout{walked: walked, params: plan.Params()}
	if n := len(r.Updates); n < 1 || n > MaxPlayers {
		return nil, fmt.Errorf("updates: %d players are outside 1 to %d", n, MaxPlayers)
	}
	if len(r.Sizes) != len(r.Updates) {
		return nil, fmt.Errorf("sizes: %d given for %d players", len(r.Sizes), len(r.Updates))
	}
	if _, err := total(r.Sizes); err != nil {
		return nil, err
	}
	if err := l.checkRows(r, plan); err != nil {
		return nil, err
	}
	if err := l.checkTensors(r.Base); err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	for i, u := range r.Updates {
		if err := l.checkShapes(u); err != nil {
			return nil, fmt.Errorf("updates[%d]: %w", i, err)
		}
	}
	return l, nil
}

// checkRows measures the validation rows.
func (l *layout) checkRows(r *Round, plan *program.Plan) error {
	if loss := r.Program.Loss; loss != program.CrossEntropy && loss != program.MSE {
		return fmt.Errorf("program: loss %q: rounds are valued by %q and %q alone", loss, program.CrossEntropy, program.MSE)
	}
	x, y, out := plan.X(), plan.Y(), l.walked[len(l.walked)-1].Output
	batch := x.Shape[0]
	l.width, l.labels = x.Len()/batch, y.Len()/batch
	l.cols = out.Shape[len(out.Shape)-1]
	l.scored = out.Len() / l.cols
	given, other := len(r.X.F), len(r.X.I)
	if x.Kind == kernels.I32 {
		given, other = other, given
	}
	if given == 0 || given%l.width != 0 || other != 0 {
		return fmt.Errorf("x: %d %v elements are not whole rows of %d", given, x.Kind, l.width)
	}
	l.rows = given / l.width
	if l.rows > maxScored/l.scored {
		return fmt.Errorf("x: %d rows of %d scored positions are above the limit %d", l.rows, l.scored, maxScored)
	}
	given, other = len(r.Y.F), len(r.Y.I)
	if y.Kind == kernels.I32 {
		given, other = other, given
	}
	if given != l.rows*l.labels || other != 0 {
		return fmt.Errorf("y: %d %v elements, %d needed for %d rows", given, y.Kind, l.rows*l.labels, l.rows)
	}
	if i := notFinite(r.X.F); i >= 0 {
		return fmt.Errorf("x: row %d is not finite", i/l.width)
	}
	if i := notFinite(r.Y.F); i >= 0 {
		return fmt.Errorf("y: row %d is not finite", i/l.labels)
	}
	if r.Program.Loss == program.CrossEntropy {
		for i, c := range r.Y.I {
			if c < 0 || int(c) >= l.cols {
				return fmt.Errorf("y: row %d: label %d is outside 0 to %d", i/l.labels, c, l.cols-1)
			}
		}
	}
	return nil
}

// checkTensors refuses parameters of another shape, NaN and infinities.
func (l *layout) checkTensors(tensors [][]float32) error {
	if err := l.checkShapes(tensors); err != nil {
		return err
	}
	for k, p := range l.params {
		if i := notFinite(tensors[k]); i >= 0 {
			return fmt.Errorf("%s: element %d is not finite", p.Name, i)
		}
	}
	return nil
}

// checkShapes refuses parameters of another shape.
func (l *layout) checkShapes(tensors [][]float32) error {
	if len(tensors) != len(l.params) {
		return fmt.Errorf("%d tensors given, %d needed", len(tensors), len(l.params))
	}
	for k, p := range l.params {
		if len(tensors[k]) != p.Len() {
			return fmt.Errorf("%s: %d elements given, %d needed", p.Name, len(tensors[k]), p.Len())
		}
	}
	return nil
}

// elements is the number of parameters.
func (l *layout) elements() int {
	n := 0
	for _, p := range l.params {
		n += p.Len()
	}
	return n
}

// notFinite is the place of the first NaN or infinity; -1 if there is none.
func notFinite(x []float32) int {
	for i, v := range x {
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
			return i
		}
	}
	return -1
}

// total is the sum of the sizes, within 1 to 2^63.
func total(sizes []uint64) (uint64, error) {
	sum := uint64(0)
	for i, n := range sizes {
		var carry uint64
		if sum, carry = bits.Add64(sum, n, 0); carry != 0 || sum > 1<<63 {
			return 0, fmt.Errorf("sizes[%d]: the sum is above the limit 2^63", i)
		}
	}
	if sum == 0 {
		return 0, errors.New("sizes: all are 0")
	}
	return sum, nil
}

// weight is size/sum, rounded once to the nearest float32; 0 if nobody has any rows.
func weight(size, sum uint64) float32 {
	if sum == 0 {
		return 0
	}
	w, _ := new(big.Rat).SetFrac(new(big.Int).SetUint64(size), new(big.Int).SetUint64(sum)).Float32()
	return w
}

// weights are the fixed weights of all players.
func (r *Round) weights() ([]float32, error) {
	sum, err := total(r.Sizes)
	if err != nil {
		return nil, err
	}
	w := make([]float32, len(r.Sizes))
	for i, n := range r.Sizes {
		w[i] = weight(n, sum)
	}
	return w, nil
}

// members lists a coalition's players, ascending, in to[:0].
func (r *Round) members(c shapley.Coalition, to []int) ([]int, error) {
	if n := len(r.Updates); len(c) != shapley.Words(n) {
		return nil, fmt.Errorf("coalition: %d words given, %d needed for %d players", len(c), shapley.Words(n), n)
	}
	to = c.Members(to[:0])
	if k := len(to); k > 0 && to[k-1] >= len(r.Updates) {
		return nil, fmt.Errorf("coalition: player %d of %d", to[k-1], len(r.Updates))
	}
	return to, nil
}

// appendFloats appends the little-endian bits of x.
func appendFloats(to []byte, x []float32) []byte {
	for _, v := range x {
		to = binary.LittleEndian.AppendUint32(to, math.Float32bits(v))
	}
	return to
}
