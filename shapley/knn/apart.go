package knn

import (
	"context"
	"fmt"
	"math/big"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

// Limits of a tile of test rows on a device: of its distances, and of the rows.
const (
	apartWords = 1 << 24
	apartRows  = 512
)

// beside is a game on a device whose memory is not this process': it measures and sorts, and where values are a table's
// entries times changes of match it values too. What is left of a test row, this process adds.
type beside struct {
	*worker
	windows
	memory engine.Memory
	rows   int // of a tile

	train, tests, distances, order   kernels.Range
	trainLabels, testLabels, entries kernels.Range
	near, measured, totals           kernels.Range

	read []int32 // what came back of a tile
}

// apart values the test rows, tile by tile, on the device.
func (j *job) apart(ctx context.Context) (workers []*worker, err error) {
	b := &beside{worker: &worker{job: j, sums: make([]int64, j.n)}, rows: min(j.m, apartRows, max(1, apartWords/j.n))}
	b.window()
	if j.Variant == Regression {
		b.exact = make([]wide, j.n)
	}
	if b.memory, err = j.Device.Open(ctx, b.lay()); err != nil {
		return nil, err
	}
	defer func() {
		if closed := b.memory.Close(context.WithoutCancel(ctx)); err == nil {
			err = closed
		}
	}()
	if err := b.begin(ctx); err != nil {
		return nil, err
	}
	routines := map[[2]int]int{} // by rows and window
	for lo, hi := 0, 0; lo < j.m; lo = hi {
		hi = b.tileEnd(lo)
		if j.recursive() {
			b.turn(j.TestLabels[lo], j.n)
		}
		tile := [2]int{hi - lo, b.start}
		routine, ok := routines[tile]
		if !ok {
			if routine, err = b.memory.Record(ctx, b.calls(hi-lo)); err != nil {
				return nil, err
			}
			routines[tile] = routine
		}
		if err := b.value(ctx, routine, lo, hi); err != nil {
			return nil, err
		}
		if j.Progress != nil {
			j.Progress(uint64(hi), uint64(j.m))
		}
	}
	return []*worker{b.worker}, nil
}

// recursive says whether the device values too.
func (j *job) recursive() bool {
	return j.Variant == Unweighted || j.Variant == Weighted || j.Variant == SoftLabel
}

// back is how many neighbours of a test row come back, and the farthest besides.
func (j *job) back() int { return max(min(j.K, j.n), j.looked()) }

// ordered says whether the device orders.
func (j *job) ordered() bool { return j.Variant != Threshold }

// lay places everything and returns the memory's size in words.
func (b *beside) lay() int {
	var l engine.Layout
	copies := 1
	if b.recursive() {
		copies = 2
	}
	b.train, b.tests = l.Take(copies*b.n*b.words), l.Take(b.rows*b.words)
	b.distances = l.Take(b.rows * b.n)
	if b.ordered() {
		b.order, b.measured = l.Take(b.rows*b.n), l.Take(b.rows*b.looked())
	}
	if b.recursive() {
		b.trainLabels, b.testLabels, b.entries = l.Take(2*b.n), l.Take(b.rows), l.Take(2*(b.n+1))
		b.near, b.totals = l.Take(b.rows*(b.back()+1)), l.Take(2*b.n)
	}
	return l.Words()
}

// begin writes what all tiles read.
func (b *beside) begin(ctx context.Context) error {
	if err := b.memory.Write(ctx, b.train.Offset, engine.Words(b.trainWords)); err != nil || !b.recursive() {
		return err
	}
	if err := b.memory.Write(ctx, b.train.Offset+len(b.trainWords), engine.Words(b.trainWords)); err != nil {
		return err
	}
	for half := range 2 {
		if err := b.memory.Write(ctx, b.trainLabels.Offset+half*b.n, engine.Words(b.labels)); err != nil {
			return err
		}
	}
	table := make([]uint32, b.entries.Words)
	for i, v := range b.steps() {
		table[2*i], table[2*i+1] = uint32(v), uint32(v>>32)
	}
	return b.memory.Write(ctx, b.entries.Offset, table)
}

// steps is the table with what the recursion leaves out as 0: the neighbours that are not kept, and for SoftLabel the
// value of the farthest, which this process adds to everybody.
func (j *job) steps() []int64 {
	t := append([]int64(nil), j.table...)
	if kept := j.kept(); kept < j.n || j.Variant == SoftLabel {
		clear(t[kept:])
	}
	return t
}

// calls are what a tile of so many test rows takes.
func (b *beside) calls(rows int) []kernels.Call {
	part := func(r kernels.Range, words int) kernels.Range { return kernels.Range{Offset: r.Offset, Words: words} }
	distances := part(b.distances, rows*b.n)
	all := []kernels.Call{{
		Op:       kernels.SqDistance{M: rows, N: b.n, W: b.words},
		Operands: []kernels.Range{part(b.tests, rows*b.words), b.windowed(b.train, b.words), distances},
	}}
	if !b.ordered() {
		return all
	}
	order := part(b.order, rows*b.n)
	all = append(all, kernels.Call{Op: kernels.KNNOrder{Rows: rows, N: b.n}, Operands: []kernels.Range{distances, order}})
	if l := b.looked(); l > 0 {
		for r := range rows { // the distances of the nearest of each row
			all = append(all, kernels.Call{
				Op: kernels.Embedding{Rows: l, Vocab: b.n, Dim: 1},
				Operands: []kernels.Range{{Offset: order.Offset + r*b.n, Words: l}, {Offset: distances.Offset + r*b.n, Words: b.n},
					{Offset: b.measured.Offset + r*l, Words: l}},
			})
		}
	}
	if !b.recursive() {
		return all
	}
	all = append(all, kernels.Call{
		Op:       kernels.KNNRecursion{Rows: rows, N: b.n},
		Operands: []kernels.Range{order, b.windowed(b.trainLabels, 1), part(b.testLabels, rows), b.entries, b.totals},
	})
	k := b.back()
	for r := range rows { // the nearest of each row and its farthest, side by side
		row, near := order.Offset+r*b.n, b.near.Offset+r*(k+1)
		all = append(all,
			kernels.Call{Op: kernels.Copy{N: k}, Operands: []kernels.Range{{Offset: row, Words: k}, {Offset: near, Words: k}}},
			kernels.Call{Op: kernels.Copy{N: 1}, Operands: []kernels.Range{{Offset: row + b.n - 1, Words: 1}, {Offset: near + k, Words: 1}}})
	}
	return all
}

// value adds the values for test rows lo to hi-1.
func (b *beside) value(ctx context.Context, routine, lo, hi int) error {
	rows := hi - lo
	if err := b.memory.Write(ctx, b.tests.Offset, engine.Words(b.testWords[lo*b.words:hi*b.words])); err != nil {
		return err
	}
	if b.recursive() {
		if err := b.memory.Write(ctx, b.testLabels.Offset, engine.Words(b.TestLabels[lo:hi])); err != nil {
			return err
		}
	}
	if err := b.memory.Run(ctx, routine); err != nil {
		return err
	}
	measured := make([]int32, rows*b.looked())
	if len(measured) > 0 && b.ordered() {
		if err := b.memory.Read(ctx, engine.Words(measured), b.measured.Offset); err != nil {
			return err
		}
	}
	from, words := b.near, rows*(b.back()+1)
	switch b.Variant {
	case Threshold:
		from, words = b.distances, rows*b.n
	case Regression:
		from, words = b.order, rows*b.n
	}
	if err := b.receive(ctx, from.Offset, words); err != nil {
		return err
	}
	if b.ordered() {
		for _, row := range b.read {
			if row < 0 || int(row) >= b.n {
				return fmt.Errorf("%w: %s: row %d of %d", engine.ErrDevice, b.Device.Name(), row, b.n)
			}
		}
	}
	switch b.Variant {
	case Threshold:
		for r := range rows {
			b.threshold(b.read[r*b.n:(r+1)*b.n], b.TestLabels[lo+r])
		}
		return nil
	case Regression:
		order := make([]neighbour, b.n)
		for r := range rows {
			for i, row := range b.read[r*b.n : (r+1)*b.n] {
				order[i] = neighbourOf(0, int(row), false)
				if l := b.looked(); i < l {
					order[i] = neighbourOf(uint32(measured[r*l+i]), int(row), false)
				}
			}
			b.doubt(order, 0)
			b.regression(order, b.TestTargets[lo+r])
		}
		return nil
	}
	return b.finish(ctx, lo, hi, measured)
}

// finish adds the device's sums, what everybody achieves for test rows lo to hi-1 and, for SoftLabel, the values
// of the farthest.
func (b *beside) finish(ctx context.Context, lo, hi int, measured []int32) error {
	k, far := min(b.K, b.n), int64(0)
	back, looked := b.back(), b.looked()
	order := make([]neighbour, looked)
	for t := lo; t < hi; t++ {
		label, near := b.TestLabels[t], b.read[(t-lo)*(back+1):]
		for i := range order {
			order[i] = neighbourOf(uint32(measured[(t-lo)*looked+i]), int(near[i]), b.labels[b.at(near[i], b.n)] == label)
		}
		b.doubt(order, 0)
		matches, sum := int64(0), int64(0)
		for i, row := range near[:k] {
			if b.labels[b.at(row, b.n)] == label {
				matches++
				if b.Variant == Weighted {
					sum += int64(b.Weights[i])
				}
			}
		}
		switch b.Variant {
		case Unweighted:
			b.full.Add(&b.full, big.NewInt(matches))
		case Weighted:
			b.full.Add(&b.full, big.NewInt(sum))
		case SoftLabel:
			last := int64(0)
			if b.labels[b.at(near[back], b.n)] == label {
				last = 1
			}
			far += b.last(b.n, b.harmonic, last, b.matching(label))
			b.addFull(matches, int64(k))
		}
	}
	if err := b.receive(ctx, b.totals.Offset, b.totals.Words); err != nil {
		return err
	}
	for i := range b.n {
		b.sums[b.byLabel[b.at(int32(i), b.n)]] += far + int64(b.read[2*i+1])<<32 + int64(uint32(b.read[2*i]))
	}
	return nil
}

// receive reads words of the memory.
func (b *beside) receive(ctx context.Context, offset, words int) error {
	if cap(b.read) < words {
		b.read = make([]int32, words)
	}
	b.read = b.read[:words]
	return b.memory.Read(ctx, engine.Words(b.read), offset)
}
