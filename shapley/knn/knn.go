package knn

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
)

// Variant is what a coalition achieves for a test row; see the package's page.
type Variant uint8

// The variants.
const (
	Unweighted Variant = iota
	SoftLabel
	Threshold
	Regression
)

var variantNames = [...]string{"unweighted", "soft-label", "threshold", "regression"}

func (v Variant) String() string {
	if int(v) < len(variantNames) {
		return variantNames[v]
	}
	return fmt.Sprintf("variant(%d)", uint8(v))
}

// ParseVariant reads a variant's name.
func ParseVariant(name string) (Variant, error) {
	for v, n := range variantNames {
		if n == name {
			return Variant(v), nil
		}
	}
	return 0, fmt.Errorf("unknown variant %.40q: want one of %v", name, variantNames)
}

// Data is the training rows, which are the players, and the test rows. It is read, never changed.
type Data struct {
	Width                     int       // features of a row
	Train, Test               []float32 // rows x Width, row-major
	TrainLabels, TestLabels   []int32   // classes, any numbers; but for Regression
	TrainTargets, TestTargets []int64   // in 1e-9, at most MaxTarget; for Regression
}

// Options choose the game and how it is computed.
type Options struct {
	Variant Variant
	K       int // neighbours, 1 to MaxRows; not for Threshold
	// Radius is the largest squared distance of a neighbour, in the unit of quantised features; for Threshold.
	Radius uint32

	Threads  int         // 0 takes runtime.GOMAXPROCS(0). Not part of the game
	ISA      kernels.ISA // code path. Not part of the game
	Progress func(done, total uint64)
}

// Result is the value of each training row: Numerators over Denominator, in utility 1.
type Result struct {
	Numerators  []*big.Int
	Denominator *big.Int
	Empty, Full *big.Rat // utilities of nobody and of everybody
	Residual    *big.Rat // Full - Empty - the sum of the values: what the rounding of the tables left
}

// Value is the value of a row.
func (r *Result) Value(i int) *big.Rat {
	return new(big.Rat).SetFrac(r.Numerators[i], r.Denominator)
}

// Fixed is the value of a row in 1e-9, rounded half to even.
func (r *Result) Fixed(i int) int64 {
	n := new(big.Int).Mul(r.Numerators[i], big.NewInt(shapley.Unit))
	return roundDiv(n, r.Denominator)
}

// roundDiv is a/b rounded half to even, b > 0, which fits an int64.
func roundDiv(a, b *big.Int) int64 {
	q, m := new(big.Int).DivMod(a, b, new(big.Int))
	if c := m.Lsh(m, 1).Cmp(b); c > 0 || c == 0 && q.Bit(0) == 1 {
		q.Add(q, big.NewInt(1))
	}
	return q.Int64()
}

// tile is how many test rows a worker takes at a time: each training row that is read serves all of them.
const tile = 32

// job is a game under way.
type job struct {
	Data
	Options
	n, m      int
	words     int
	classes   int64
	rows      *kernels.PackedRows
	testWords []int32
	scale     uint    // values of one test row are in units of 2^-scale
	table     []int64 // by place from 1, what a change of match between it and the next is worth; for Threshold H(i)
	harmonic  int64   // for SoftLabel: H(min(K,N)) - 1
	tables    *regressor
}

// worker is one goroutine's memory.
type worker struct {
	*job
	distances []int32
	sorter    *sorter
	match     []int64
	sums      []int64
	exact     []*big.Int // sums of a regression
	full      big.Int    // sum of utilities of everybody, see judge
}

// Values computes the value of each training row. It fails on data that do not fit together, and when ctx ends.
func Values(ctx context.Context, d Data, o Options) (*Result, error) {
	j := &job{Data: d, Options: o}
	if err := j.check(); err != nil {
		return nil, fmt.Errorf("knn: %w", err)
	}
	if err := j.prepare(); err != nil {
		return nil, fmt.Errorf("knn: %w", err)
	}
	tiles := (j.m + tile - 1) / tile
	workers := make([]*worker, min(j.Threads, tiles))
	var next, done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for k := range workers {
		w := &worker{job: j, distances: make([]int32, tile*j.n), match: make([]int64, j.n+1), sums: make([]int64, j.n)}
		if j.Variant != Threshold {
			w.sorter = newSorter(j.n)
		}
		if j.Variant == Regression {
			w.exact = make([]*big.Int, j.n)
			for i := range w.exact {
				w.exact[i] = new(big.Int)
			}
		}
		workers[k] = w
		group.Go(func() error {
			for t := next.Add(1) - 1; t < int64(tiles); t = next.Add(1) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				lo := int(t) * tile
				if err := w.tile(lo, min(lo+tile, j.m)); err != nil {
					return err
				}
				if d := done.Add(1); j.Progress != nil {
					j.Progress(uint64(d), uint64(tiles))
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("knn: %w", err)
	}
	return j.result(workers), nil
}

// check refuses what does not fit together.
func (j *job) check() (err error) {
	if j.Variant > Regression {
		return fmt.Errorf("variant: %d is unknown", j.Variant)
	}
	if j.Variant != Threshold && (j.K < 1 || j.K > MaxRows) {
		return fmt.Errorf("k: %d is outside 1 to %d", j.K, MaxRows)
	}
	if j.Width < 1 || j.Width > MaxWidth {
		return fmt.Errorf("width: %d features are outside 1 to %d", j.Width, MaxWidth)
	}
	if j.Threads == 0 {
		j.Threads = runtime.GOMAXPROCS(0)
	}
	if j.Threads < 1 || j.Threads > 1024 {
		return fmt.Errorf("threads: %d is outside 1 to 1024", j.Threads)
	}
	if j.n, err = rowsOf("train", j.Train, j.Width, j.Threads); err != nil {
		return err
	}
	if j.m, err = rowsOf("test", j.Test, j.Width, j.Threads); err != nil {
		return err
	}
	if j.n > MaxPairs/j.m {
		return fmt.Errorf("rows: %d training rows times %d test rows are above the limit %d", j.n, j.m, MaxPairs)
	}
	if j.Variant == Regression {
		return j.checkTargets()
	}
	if len(j.TrainLabels) != j.n || len(j.TestLabels) != j.m {
		return fmt.Errorf("labels: %d and %d for %d and %d rows", len(j.TrainLabels), len(j.TestLabels), j.n, j.m)
	}
	if j.TrainTargets != nil || j.TestTargets != nil {
		return errors.New("targets: only a regression has them")
	}
	seen := map[int32]bool{}
	for _, labels := range [][]int32{j.TrainLabels, j.TestLabels} {
		for _, y := range labels {
			seen[y] = true
		}
	}
	j.classes = int64(len(seen))
	return nil
}

// prepare quantises the features and makes the tables.
func (j *job) prepare() (err error) {
	train, test := Quantise(j.Train, j.Test, j.Width, j.Threads)
	j.words, j.testWords = (j.Width+1)/2, test
	isa := j.ISA
	if isa == kernels.Auto {
		have := kernels.Available()
		isa = have[len(have)-1]
	}
	if j.rows, err = kernels.PackRows(isa, train, j.n, j.words); err != nil {
		return err
	}
	j.scale = uint(min(52, 61-bits.Len(uint(j.m))))
	switch j.Variant {
	case Unweighted:
		j.table = j.inverses()
	case SoftLabel:
		j.softTable()
	case Threshold:
		j.table = harmonics(j.n, j.scale)
	case Regression:
		j.regressionTables()
	}
	return nil
}

// inverses are 2^scale / max(K, i) for i from 0 to N, rounded to nearest.
func (j *job) inverses() []int64 {
	t := make([]int64, j.n+1)
	for i := range t {
		d := int64(max(j.K, i))
		t[i] = (1<<j.scale + d/2) / d
	}
	return t
}

// tile adds the values for test rows lo to hi-1.
func (w *worker) tile(lo, hi int) error {
	at := w.testWords[lo*w.words : hi*w.words]
	if err := w.rows.Distances(w.distances[:(hi-lo)*w.n], at, hi-lo); err != nil {
		return err
	}
	for t := lo; t < hi; t++ {
		d := w.distances[(t-lo)*w.n : (t-lo+1)*w.n]
		switch w.Variant {
		case Unweighted:
			w.unweighted(w.sorter.order(d), w.TestLabels[t])
		case SoftLabel:
			w.softLabel(w.sorter.order(d), w.TestLabels[t])
		case Threshold:
			w.threshold(d, w.TestLabels[t])
		case Regression:
			w.regression(w.sorter.order(d), w.TestTargets[t])
		}
	}
	return nil
}

// matches sets match[i] to 1 where the i-th nearest has the label, and counts them.
func (w *worker) matches(order []uint64, label int32) (count int64) {
	match := w.match[:len(order)]
	for i, k := range order {
		m := int64(0)
		if w.TrainLabels[uint32(k)] == label {
			m = 1
		}
		match[i] = m
		count += m
	}
	return count
}

// unweighted is the recursion of Jia et al. 2019, theorem 1, from the farthest row: s(N) = [match N] / max(K,N), s(i) =
// s(i+1) + ([match i] - [match i+1]) / max(K,i), for i from 1.
func (w *worker) unweighted(order []uint64, label int32) {
	w.matches(order, label)
	n := len(order)
	s := w.match[n-1] * w.table[n]
	w.sums[uint32(order[n-1])] += s
	for i := n - 1; i > 0; i-- {
		s += (w.match[i-1] - w.match[i]) * w.table[i]
		w.sums[uint32(order[i-1])] += s
	}
	near := int64(0)
	for _, m := range w.match[:min(w.K, n)] {
		near += m
	}
	w.full.Add(&w.full, big.NewInt(near))
}

// result adds the workers up.
func (j *job) result(workers []*worker) *Result {
	r := &Result{Numerators: make([]*big.Int, j.n), Empty: new(big.Rat)}
	full, total := new(big.Int), new(big.Int)
	for i := range r.Numerators {
		r.Numerators[i] = new(big.Int)
	}
	for _, w := range workers {
		for i, s := range r.Numerators {
			if w.exact != nil {
				s.Add(s, w.exact[i])
			} else {
				s.Add(s, big.NewInt(w.sums[i]))
			}
		}
		full.Add(full, &w.full)
	}
	for _, s := range r.Numerators {
		total.Add(total, s)
	}
	tests := big.NewInt(int64(j.m))
	r.Denominator = new(big.Int).Lsh(tests, j.scale)
	over := new(big.Int).Set(r.Denominator) // of full
	switch j.Variant {
	case Unweighted:
		over.Mul(tests, big.NewInt(int64(j.K)))
	case SoftLabel, Threshold:
		r.Empty.SetFrac64(1, j.classes)
	case Regression:
		unit := squareUnit()
		r.Empty.SetFrac(new(big.Int).Neg(j.tables.emptyAll), new(big.Int).Mul(tests, unit))
		unit.Mul(unit, big.NewInt(int64(j.K))).Mul(unit, big.NewInt(int64(j.K)))
		over.Mul(tests, unit)
		r.Denominator.Mul(r.Denominator, unit)
	}
	r.Full = new(big.Rat).SetFrac(full, over)
	r.Residual = new(big.Rat).Sub(r.Full, r.Empty)
	r.Residual.Sub(r.Residual, new(big.Rat).SetFrac(total, r.Denominator))
	return r
}
