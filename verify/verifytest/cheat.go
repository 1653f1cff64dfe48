package verifytest

import (
	"math"
	"slices"

	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
)

// Cheat alters an honest worker's work; its functions may be nil. Everything that it does not alter is consistent.
type Cheat struct {
	Init   func(m *program.Machine)                   // alters the state before step 0
	Batch  func(t uint64, ids []int64)                // alters the samples of step t
	Skip   func(t uint64) bool                        // steps whose update is left out
	State  func(t uint64, m *program.Machine)         // alters the state after the update of step t
	Record func(t uint64, s *trace.Step, f *Forger)   // alters what is written down of step t
	Work   func(f *Forger, first, count uint64) error // fills a segment
	// Segments are those that Work fills; nil means all.
	Segments func(segment uint64) bool
}

// Steps are steps in which a cheat lies.
type Steps func(t uint64) bool

// At is one step.
func At(step uint64) Steps { return func(t uint64) bool { return t == step } }

// The cheats of single steps. Each is caught in its first step whose segment is replayed.

// FlipBit flips the lowest bit of an element of a tensor of the state, after the update.
func FlipBit(at Steps, tensor, element int) Cheat {
	return Cheat{State: func(t uint64, m *program.Machine) {
		if at(t) {
			flip(m.Tensors()[tensor], element)
		}
	}}
}

// FlipInit flips the lowest bit of an element of the initial state.
func FlipInit(tensor, element int) Cheat {
	return Cheat{Init: func(m *program.Machine) { flip(m.Tensors()[tensor], element) }}
}

func flip(x []float32, element int) {
	element %= len(x)
	x[element] = math.Float32frombits(math.Float32bits(x[element]) ^ 1)
}

// SkipUpdate leaves out the update.
func SkipUpdate(at Steps) Cheat { return Cheat{Skip: at} }

// SwapSamples swaps two rows of the batch.
func SwapSamples(at Steps, a, b int) Cheat {
	return Cheat{Batch: func(t uint64, ids []int64) {
		if at(t) {
			ids[a], ids[b] = ids[b], ids[a]
		}
	}}
}

// OtherSample takes the sample after the one that is due, of so many.
func OtherSample(at Steps, row, samples int) Cheat {
	return Cheat{Batch: func(t uint64, ids []int64) {
		if at(t) {
			ids[row] = (ids[row] + 1) % int64(samples)
		}
	}}
}

// OtherGradient claims another digest of a gradient.
func OtherGradient(at Steps, parameter int) Cheat {
	return written(at, func(t uint64, s *trace.Step, f *Forger) {
		s.Gradients[parameter][0] ^= 1
		s.Leaf.Gradient = f.GradientRoot(t, s.Gradients)
	})
}

// OtherLoss claims another loss.
func OtherLoss(at Steps) Cheat {
	return written(at, func(_ uint64, s *trace.Step, _ *Forger) { s.Leaf.Loss ^= 1 })
}

// OtherClip claims another clip coefficient.
func OtherClip(at Steps) Cheat {
	return written(at, func(_ uint64, s *trace.Step, _ *Forger) { s.Leaf.Clip ^= 1 })
}

// OtherDigest keeps another digest of a tensor of the next state than the leaf commits to.
func OtherDigest(at Steps, tensor int) Cheat {
	return written(at, func(_ uint64, s *trace.Step, _ *Forger) { s.Next[tensor][5] ^= 4 })
}

// BreakChain claims that a step began at a state which the one before did not lead to.
func BreakChain(at Steps) Cheat {
	return written(at, func(_ uint64, s *trace.Step, _ *Forger) { s.Leaf.State[0] ^= 1 })
}

func written(at Steps, alter func(uint64, *trace.Step, *Forger)) Cheat {
	return Cheat{Record: func(t uint64, s *trace.Step, f *Forger) {
		if at(t) {
			alter(t, s, f)
		}
	}}
}

func clones(tensors [][]float32) (all [][]float32) {
	for _, x := range tensors {
		all = append(all, slices.Clone(x))
	}
	return all
}
