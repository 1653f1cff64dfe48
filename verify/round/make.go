package round

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
)

// Made is the next base, with what it was made from.
type Made struct {
	Aggregate Aggregate
	Base      *verify.Base
	Momentum  [][]float32 // of the tensors that are trained, in their order; nil where the rule has none
}

// Make computes the next base from the finals in the folder. Beside base, next base and momentum it has a piece of each final in
// memory, and it reads each byte of them once.
func (b *Books) Make(ctx context.Context) (m *Made, err error) {
	finals, total, err := b.Finals()
	if err != nil {
		return nil, err
	}
	next := tensorsLike(b.spec.Plan.Base())
	if err := b.add(ctx, finals, float64(total), next); err != nil {
		return nil, err
	}
	m = &Made{Aggregate: Aggregate{Version: AggregateVersion, Round: b.Digest, Finals: finals}}
	if b.Round.Rule.Kind == Nesterov {
		m.Momentum = b.move(next)
		if m.Aggregate.Momentum, err = momentumRoot(m.Momentum, b.spec.Plan, b.threads); err != nil {
			return nil, overflowed(NextMomentumFile, err)
		}
	}
	if m.Base, err = verify.NewBase(b.spec.Plan, next, b.threads); err != nil {
		return nil, overflowed(NextFile, err)
	}
	m.Aggregate.Base = m.Base.Root
	return m, nil
}

// overflowed says that it is the rule that leads beyond binary32: finals and base are finite.
func overflowed(file string, err error) error {
	return fault.In(file, fault.Under("the rule leads beyond binary32", err))
}

// add reads all finals and sets what they move of the next base to their mean. The rest, which is frozen, stays the base's.
func (b *Books) add(ctx context.Context, finals []Final, total float64, next [][]float32) (err error) {
	all, err := openSources(b.dir, finals, b.spec.State, b.frozen)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, all.close()) }()
	moved := 0 // tensors of the base that were set
	for _, spec := range b.spec.State.Tensors() {
		var into []float32 // nil for a slot of the optimizer, which starts anew
		if !strings.HasPrefix(spec.Name, "opt/") {
			into, moved = next[moved], moved+1
		}
		for n := spec.Len(); n > 0; n -= min(n, piece) {
			if err := all.read(ctx, min(n, piece), b.threads); err != nil {
				return err
			}
			if into != nil {
				all.mean(into[:min(n, piece)], total, b.threads)
				into = into[min(n, piece):]
			}
		}
	}
	for _, s := range all {
		if err := s.finish(); err != nil {
			return err
		}
	}
	for i, x := range b.Base.Tensors()[moved:] {
		copy(next[moved+i], x)
	}
	return nil
}

// strip is how many sums a thread has at once.
const strip = 1 << 11

// mean sets elements to the weighted mean of the pieces that were read, each element by itself.
func (all sources) mean(into []float32, total float64, threads int) {
	apart(len(into), threads, func(from, to int) {
		var sums [strip]float64
		for ; from < to; from += strip {
			n := min(strip, to-from)
			clear(sums[:n])
			all.fold(sums[:n], from)
			for i, sum := range sums[:n] {
				into[from+i] = mean(sum, total)
			}
		}
	})
}

// fold adds the terms of all finals, in their order, to the sums of the elements from a place in the piece.
func (all sources) fold(sums []float64, from int) {
	to := from + len(sums)
	for ; len(all) >= 4; all = all[4:] {
		weights := [4]float64{float64(all[0].want.Weight), float64(all[1].want.Weight), float64(all[2].want.Weight), float64(all[3].want.Weight)}
		fold4(sums, weights, all[0].buf[from:to], all[1].buf[from:to], all[2].buf[from:to], all[3].buf[from:to])
	}
	for _, s := range all {
		fold(sums, float64(s.want.Weight), s.buf[from:to])
	}
}

// move has the outer optimizer go from the base to where it arrives on the way to the mean, which it takes the place of. Buffers
// are no parameters: they stay the mean.
func (b *Books) move(next [][]float32) (momentum [][]float32) {
	o := b.Round.Rule.outer()
	momentum = tensorsLike(b.spec.Plan.Params())
	for i, x := range b.momentum {
		copy(momentum[i], x)
	}
	for i, v := range momentum {
		base := b.Base.Tensors()[i]
		apart(len(v), b.threads, func(from, to int) { o.step(base[from:to], next[i][from:to], v[from:to]) })
	}
	return momentum
}

// Compare names the first difference between an aggregate that was signed and this one; nil if there is none. Errors begin with
// file.
func (m *Made) Compare(a *Aggregate, file string) error {
	made := &m.Aggregate
	at, same := sameFinals(a.Finals, made.Finals)
	switch {
	case !same && at < len(a.Finals) && at < len(made.Finals):
		x, y := a.Finals[at], made.Finals[at]
		return fault.New(fault.WrongDigest, file, "finals", "%d is claim %v of worker %v with weight %d, the files give claim %v of worker %v with weight %d", at, x.Claim, x.Worker, x.Weight, y.Claim, y.Worker, y.Weight)
	case !same:
		return fault.New(fault.WrongDigest, file, "finals", "%d, the files give %d", len(a.Finals), len(made.Finals))
	case a.Momentum != made.Momentum:
		return fault.New(fault.WrongDigest, file, "momentum", "root %v, the files give %v", a.Momentum, made.Momentum)
	case a.Base != made.Base:
		return fault.New(fault.WrongDigest, file, "base", "root %v, the files give %v", a.Base, made.Base)
	}
	return nil
}

// differ names the first element in which tensors are not those that the finals give.
func differ(file string, specs []program.TensorSpec, got, want [][]float32) error {
	for i, x := range want {
		for k, v := range x {
			if math.Float32bits(got[i][k]) != math.Float32bits(v) {
				return fault.New(fault.WrongDigest, file, fmt.Sprintf("tensor %q", specs[i].Name), "element %d is %v, the finals give %v", k, got[i][k], v)
			}
		}
	}
	return nil
}
