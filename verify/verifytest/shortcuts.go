package verifytest

import (
	"math"

	"github.com/verifyd/verifyd/verify/program"
)

// Shortcut is a way to claim a segment that was not worked for.
type Shortcut struct {
	Name string
	// Last says that the shortcut is about the final state: forged in a single segment, it is the last one.
	Last bool
	// Work fills a segment of a forger's trace.
	Work func(f *Forger, first, count uint64) error
}

// Shortcuts are the ways of cheating that a lazy worker would try. They serve one forger each: every call gives
// fresh ones.
func Shortcuts() []Shortcut {
	return []Shortcut{
		{Name: "steps skipped", Work: skipSteps},
		{Name: "learning rate scaled", Work: new(scaled).work},
		{Name: "batches swapped", Work: swapBatches},
		{Name: "weight bit flipped", Work: flipBit},
		{Name: "final state from elsewhere", Last: true, Work: new(elsewhere).work},
		{Name: "trajectory interpolated", Work: new(interpolated).work},
	}
}

// skipSteps does every other step and claims that the rest changed nothing.
func skipSteps(f *Forger, first, count uint64) error {
	for t := first; t < first+count; t++ {
		if (t-first)%2 == 0 {
			if err := f.Compute(f.Machine, t, t); err != nil {
				return err
			}
		}
		if err := f.Claim(t); err != nil {
			return err
		}
	}
	return nil
}

// scaled trains with a learning rate that is one per cent too large.
type scaled struct{ machine *program.Machine }

func (s *scaled) work(f *Forger, first, count uint64) error {
	if s.machine == nil {
		p := *f.Terms.Program()
		p.Schedule.Rate *= 1.01
		plan, err := program.Compile(&p, f.Terms.Job.Profile)
		if err != nil {
			return err
		}
		if s.machine, err = f.Begin(plan, 0); err != nil {
			return err
		}
	}
	for t := first; t < first+count; t++ {
		move(s.machine, f.Machine)
		if err := f.Compute(s.machine, t, t); err != nil {
			return err
		}
		move(f.Machine, s.machine)
		if err := f.Claim(t); err != nil {
			return err
		}
	}
	return nil
}

// swapBatches trains on the batches of each two steps in the other order.
func swapBatches(f *Forger, first, count uint64) error {
	for t := first; t < first+count; t++ {
		if err := f.Compute(f.Machine, t, t^1); err != nil {
			return err
		}
		if err := f.Claim(t); err != nil {
			return err
		}
	}
	return nil
}

// flipBit is honest but for the lowest bit of one weight after the segment's
// first step.
func flipBit(f *Forger, first, count uint64) error {
	for t := first; t < first+count; t++ {
		if err := f.Compute(f.Machine, t, t); err != nil {
			return err
		}
		if weight := &f.Machine.Tensors()[0][0]; t == first {
			*weight = math.Float32frombits(math.Float32bits(*weight) ^ 1)
		}
		if err := f.Claim(t); err != nil {
			return err
		}
	}
	return nil
}

// elsewhere is honest up to the last step of the segment, which it claims to
// have led to the state of another run: from another initial state, on batches
// that the job does not ask for.
type elsewhere struct{ other *program.Machine }

func (e *elsewhere) work(f *Forger, first, count uint64) error {
	if err := f.Honest(first, count-1); err != nil {
		return err
	}
	if e.other == nil {
		var err error
		if e.other, err = f.Begin(f.Terms.Plan, f.Terms.Job.Init.Seed+1); err != nil {
			return err
		}
	}
	for t := first; t < first+count; t++ {
		if err := f.Compute(e.other, t, t+f.Terms.Job.Steps); err != nil {
			return err
		}
	}
	move(f.Machine, e.other)
	return f.Claim(first + count - 1)
}

// interpolated has the state at the end of the segment from somewhere and
// claims a straight line that leads there. Where it is from makes no
// difference to the lie; here it is the honest one.
type interpolated struct{ end *program.Machine }

func (p *interpolated) work(f *Forger, first, count uint64) error {
	if p.end == nil {
		var err error
		if p.end, err = f.Begin(f.Terms.Plan, 0); err != nil {
			return err
		}
	}
	move(p.end, f.Machine)
	for t := first; t < first+count; t++ {
		if err := f.Compute(p.end, t, t); err != nil {
			return err
		}
	}
	for t := first; t < first+count; t++ {
		left := float32(first + count - t)
		for i, x := range f.Machine.Tensors() {
			for k, target := range p.end.Tensors()[i] {
				if left == 1 {
					x[k] = target
				} else {
					x[k] += (target - x[k]) / left
				}
			}
		}
		if err := f.Claim(t); err != nil {
			return err
		}
	}
	return nil
}

// move copies the state of one machine into another.
func move(to, from *program.Machine) {
	for i, x := range from.Tensors() {
		copy(to.Tensors()[i], x)
	}
}
