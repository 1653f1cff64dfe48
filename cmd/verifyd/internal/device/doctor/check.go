package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/kernels/optest"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
)

// check lets the device compute what is known and notes what differs. An error means that the device gave up.
func (s *subject) check(ctx context.Context, trainings []enginetest.Training) error {
	for _, v := range optest.Vectors() {
		if err := s.note(ctx, v.Operator, v.Check(s.operators)); err != nil {
			return fmt.Errorf("golden vector %v: %w", v, err)
		}
	}
	for _, c := range samples() {
		if err := s.note(ctx, c.Op.Name(), optest.Check(s.operators, []optest.Case{c})); err != nil {
			return err
		}
	}
	for _, tr := range trainings {
		want, ok := enginetest.Known(tr.Name, 1)
		if !ok {
			return fmt.Errorf("no digest of %s is known", tr.Name)
		}
		got, err := tr.Digest(ctx, s.engine, 1)
		if err == nil && got != want {
			err = fmt.Errorf("%w: digest %s, want %s", optest.ErrBits, got, want)
		}
		if err := s.note(ctx, "a training step of "+tr.Name, err); err != nil {
			return fmt.Errorf("a training step of %s: %w", tr.Name, err)
		}
	}
	return nil
}

// note counts a check. One that found other bits is written down; any other error is returned.
func (s *subject) note(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.Checks++
	if err == nil {
		return nil
	}
	if !errors.Is(err, optest.ErrBits) {
		s.Checks--
		return err
	}
	if len(s.Wrong) == 0 {
		s.Error = err.Error()
	}
	if !slices.Contains(s.Wrong, what) {
		s.Wrong = append(s.Wrong, what)
	}
	return nil
}

// samples are the suite's first cases of ordinary numbers and of arbitrary bits for every operator.
func samples() []optest.Case {
	type kind struct {
		operator string
		data     optest.Class
	}
	seen := map[kind]bool{}
	var some []optest.Case
	for _, c := range optest.Cases() {
		k := kind{c.Op.Name(), c.Data}
		if (c.Data == optest.Normal || c.Data == optest.AnyBits) && !seen[k] {
			seen[k] = true
			some = append(some, c)
		}
	}
	return some
}
