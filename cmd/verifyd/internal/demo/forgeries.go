package demo

import (
	"math"

	"github.com/verifyd/verifyd/verify/program"
)

// forgery is a way to claim work that was not done.
type forgery struct {
	name string
	// last says that a single forged segment is the last one, as the forgery
	// is about the final state.
	last bool
	// work fills a segment of the forger's trace.
	work func(f *forger, first, count uint64) error
}

// forgeries are the ways of cheating that the demonstration tries. They keep
// no memory: each call of the function gives fresh ones.
func forgeries() []forgery {
	return []forgery{
		{name: "steps skipped", work: skipSteps},
		{name: "learning rate scaled", work: new(scaled).work},
		{name: "batches swapped", work: swapBatches},
		{name: "weight bit flipped", work: flipBit},
		{name: "final state from elsewhere", last: true, work: new(elsewhere).work},
		{name: "trajectory interpolated", work: new(interpolated).work},
	}
}

// skipSteps does every other step and claims that the rest changed nothing.
func skipSteps(f *forger, first, count uint64) error {
	for t := first; t < first+count; t++ {
		if (t-first)%2 == 0 {
			if err := f.compute(f.machine, t, t); err != nil {
				return err
			}
		}
		if err := f.claim(t); err != nil {
			return err
		}
	}
	return nil
}

// scaled trains with a learning rate that is one per cent too large.
type scaled struct{ machine *program.Machine }

func (s *scaled) work(f *forger, first, count uint64) error {
	if s.machine == nil {
		p := *f.terms.Program()
		p.Schedule.Rate *= 1.01
		plan, err := program.Compile(&p, f.terms.Job.Profile)
		if err != nil {
			return err
		}
		if s.machine, err = f.begin(plan, 0); err != nil {
			return err
		}
	}
	for t := first; t < first+count; t++ {
		move(s.machine, f.machine)
		if err := f.compute(s.machine, t, t); err != nil {
			return err
		}
		move(f.machine, s.machine)
		if err := f.claim(t); err != nil {
			return err
		}
	}
	return nil
}

// swapBatches trains on the batches of each two steps in the other order.
func swapBatches(f *forger, first, count uint64) error {
	for t := first; t < first+count; t++ {
		if err := f.compute(f.machine, t, t^1); err != nil {
			return err
		}
		if err := f.claim(t); err != nil {
			return err
		}
	}
	return nil
}

// flipBit is honest but for the lowest bit of one weight after the segment's
// first step.
func flipBit(f *forger, first, count uint64) error {
	for t := first; t < first+count; t++ {
		if err := f.compute(f.machine, t, t); err != nil {
			return err
		}
		if weight := &f.machine.Tensors()[0][0]; t == first {
			*weight = math.Float32frombits(math.Float32bits(*weight) ^ 1)
		}
		if err := f.claim(t); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere is honest up to the last step of the segment, which it claims to
// have led to the state of another run: from another initial state, on batches
// that the job does not ask for.
type elsewhere struct{ other *program.Machine }

func (e *elsewhere) work(f *forger, first, count uint64) error {
	if err := f.honest(first, count-1); err != nil {
		return err
	}
	if e.other == nil {
		var err error
		if e.other, err = f.begin(f.terms.Plan, f.terms.Job.Init.Seed+1); err != nil {
			return err
		}
	}
	for t := first; t < first+count; t++ {
		if err := f.compute(e.other, t, t+f.terms.Job.Steps); err != nil {
			return err
		}
	}
	move(f.machine, e.other)
	return f.claim(first + count - 1)
}

// interpolated has the state at the end of the segment from somewhere and
// claims a straight line that leads there. Where it is from makes no
// difference to the lie; here it is the honest one.
type interpolated struct{ end *program.Machine }

func (p *interpolated) work(f *forger, first, count uint64) error {
	if p.end == nil {
		var err error
		if p.end, err = f.begin(f.terms.Plan, 0); err != nil {
			return err
		}
	}
	move(p.end, f.machine)
	for t := first; t < first+count; t++ {
		if err := f.compute(p.end, t, t); err != nil {
			return err
		}
	}
	for t := first; t < first+count; t++ {
		left := float32(first + count - t)
		for i, x := range f.machine.Tensors() {
			for k, target := range p.end.Tensors()[i] {
				if left == 1 {
					x[k] = target
				} else {
					x[k] += (target - x[k]) / left
				}
			}
		}
		if err := f.claim(t); err != nil {
			return err
		}
	}
	return nil
}
