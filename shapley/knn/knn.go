package knn

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/engine"
)

// Variant is what a coalition achieves for a test row; see the package's page.
type Variant uint8

// The variants.
const (
	Unweighted Variant = iota
	SoftLabel
	Threshold
	Regression
	Weighted
)

var variantNames = [...]string{"unweighted", "soft-label", "threshold", "regression", "weighted"}

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
	// Radius is the largest squared distance of a neighbour, in units of the scale; for Threshold.
	Radius float64
	Scale  Scale // what features are measured in
	// Clip sets features beyond the grid to its edge, and counts them. Without it they are an Outlier.
	Clip bool
	// Weights are those of the nearest, the second nearest and so on, K of them, at most MaxWeight; for Weighted.
	Weights []uint32
	// Epsilon, in 1e-9, allows each value to be off by as much: only the max(K, 1/Epsilon) nearest of a test row
	// are sorted, and the others get 0 from it (Jia et al., theorem 2). Efficiency is lost. 0 for exact
	// values; for Unweighted and Weighted.
	Epsilon int64

	Device   engine.Device            // where it is computed. Not part of the game
	Progress func(done, total uint64) // test rows, one call at a time; may be nil
}

// job is a game under way.
type job struct {
	Data
	Options
	threads               int // of this process
	n, m                  int
	words                 int
	classes               int64
	blocks                []block
	trainWords, testWords []int32
	features              *Features
	limit                 uint32  // Radius in steps
	places                []int32 // the row at each place in which rows are laid out; nil for their own
	variation             []int64 // see variations; nil if no bound follows from an order
	tile                  int     // test rows that a worker takes at a time
	scale                 uint    // values of one test row are in units of 2^-scale
	table                 []int64 // by place from 1, what a change of match between it and the next is worth; for Threshold H(i)
	harmonic              int64   // for SoftLabel: H(min(K,N)) - 1
	tables                *regressor
	weight                int64 // sum of the weights
}

// worker is one goroutine's memory.
type worker struct {
	*job
	tile      []int32 // distances, see measure
	distances []int32 // of one test row
	sorter    *sorter
	sums      []int64
	exact     []wide  // sums of a regression
	full      big.Int // sum of utilities of everybody; its denominator is that of result
	doubts    int64   // sum of what rounding may have changed
	doubtful  int     // test rows in which it may have
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
	values := j.apart
	if _, ok := engine.Host(j.Device); ok {
		values = j.here
	}
	workers, err := values(ctx)
	if err != nil {
		return nil, fmt.Errorf("knn: %w", err)
	}
	return j.result(workers), nil
}

// here values the test rows on the threads of this process.
func (j *job) here(ctx context.Context) ([]*worker, error) {
	if err := j.pack(); err != nil {
		return nil, err
	}
	tiles := (j.m + j.tile - 1) / j.tile
	workers := make([]*worker, min(j.threads, tiles))
	var next atomic.Int64
	var done uint64
	var report sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	for k := range workers {
		w := j.worker()
		workers[k] = w
		group.Go(func() error {
			for t := next.Add(1) - 1; t < int64(tiles); t = next.Add(1) - 1 {
				lo := int(t) * j.tile
				hi := min(lo+j.tile, j.m)
				if err := w.values(ctx, lo, hi); err != nil {
					return err
				}
				if j.Progress != nil {
					report.Lock()
					done += uint64(hi - lo)
					j.Progress(done, uint64(j.m))
					report.Unlock()
				}
			}
			return nil
		})
	}
	return workers, group.Wait()
}

// check refuses what does not fit together.
func (j *job) check() (err error) {
	if j.Variant > Weighted {
		return fmt.Errorf("variant: %d is unknown", j.Variant)
	}
	if j.Variant != Threshold && (j.K < 1 || j.K > MaxRows) {
		return fmt.Errorf("k: %d is outside 1 to %d", j.K, MaxRows)
	}
	if j.Variant == Threshold && !(j.Radius >= 0 && j.Radius <= math.MaxFloat64) {
		return fmt.Errorf("radius: %v is no squared distance", j.Radius)
	}
	if j.Scale > Robust {
		return fmt.Errorf("scale: %d is unknown", j.Scale)
	}
	if j.Epsilon < 0 || j.Epsilon > shapley.Unit {
		return fmt.Errorf("epsilon: %d is outside 0 to %d", j.Epsilon, shapley.Unit)
	}
	if j.Epsilon != 0 && j.Variant != Unweighted && j.Variant != Weighted {
		return fmt.Errorf("epsilon: only %v and %v have it, not %v", Unweighted, Weighted, j.Variant)
	}
	if err := j.checkWeights(); err != nil {
		return err
	}
	if j.Width < 1 || j.Width > MaxWidth {
		return fmt.Errorf("width: %d features are outside 1 to %d", j.Width, MaxWidth)
	}
	if j.Device == nil {
		return errors.New("device: none is given")
	}
	j.threads = runtime.GOMAXPROCS(0)
	if cpu, ok := engine.Host(j.Device); ok {
		j.threads = cpu.Threads()
	}
	if j.n, err = rowsOf("train", j.Train, j.Width, j.threads); err != nil {
		return err
	}
	if j.m, err = rowsOf("test", j.Test, j.Width, j.threads); err != nil {
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
	j.features = measureFeatures(j.Test, j.Width, j.Scale, j.threads)
	if j.trainWords, j.testWords, err = j.features.quantise(j.Train, j.Test, j.Clip, j.threads); err != nil {
		return err
	}
	j.words = (j.Width + 1) / 2
	j.scale = uint(min(52, 61-bits.Len(uint(j.m))))
	switch j.Variant {
	case Unweighted:
		j.table = j.inverses()
	case Weighted:
		j.table = j.weightedTable()
	case SoftLabel:
		j.softTable()
	case Threshold:
		j.table = harmonics(j.n, j.scale)
		j.limit = uint32(min(math.Floor(j.Radius/float64(j.features.Step*j.features.Step)), math.MaxUint32))
	case Regression:
		j.regressionTables()
		j.byTarget()
	}
	if j.recursive() && !j.features.Exact {
		j.variations()
	}
	return nil
}
