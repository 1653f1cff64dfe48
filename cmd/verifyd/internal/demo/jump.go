package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/gate"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/verifytest"
	"github.com/verifyd/verifyd/verify/walk"
)

// The jump leaves honest work early, where it saves most.
const (
	jumpState = "all zeros"
	jumpStep  = 76
)

// Jump is one false step into a state from which training is cheap, with honest steps from there, and how it fared.
type Jump struct {
	State   string  `json:"state"`
	Step    uint64  `json:"step"`    // the false one
	Segment uint64  `json:"segment"` // that it lies in
	Spared  float64 `json:"spared"`  // share of the steps that begin in the cheap state
	// Promised is the probability that a challenge draws the segment, and Seen how many of the challenges drawn did.
	Promised float64 `json:"promised"`
	Seen     int     `json:"seen"`
	// Found is the verdict on the first challenge that does not draw it, and Challenge that challenge's number, from 1.
	Found     verify.Finding `json:"found"`
	Challenge uint64         `json:"challenge"`
	Outside   []Measured     `json:"outside"` // what the gate measured, ascending
	Paths     []walk.Path    `json:"paths"`   // to where it began
	// Besides says that the walk did not need its path, because the false segment is among those that moved most. The opening
	// holds it all the same: it is what would have led there.
	Besides bool `json:"besides"`
	// Bundle is the folder with the bundle that Found is about.
	Bundle string `json:"bundle"`
}

// Measured is what the gate measured of the first step of a segment outside it, beside what the job's curve has there.
type Measured struct {
	Segment uint64        `json:"segment"`
	Why     []gate.Reason `json:"why"`
	Work    uint64        `json:"work"`
	Curve   uint64        `json:"curve"`
}

// jump forges the jump, and challenges it until chance alone would have missed it.
func (s *setting) jump(ctx context.Context) (*Jump, error) {
	j := &Jump{
		State: jumpState, Step: jumpStep, Segment: jumpStep / stride, Spared: float64(steps-jumpStep-1) / steps,
		Bundle: filepath.Join(s.options.Dir, "forged", "jump"),
	}
	dir, err := os.MkdirTemp(s.dir, "forged-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	traceDir := filepath.Join(dir, "trace")
	cheat := verifytest.JumpTo(s.plan, verifytest.At(jumpStep), verifytest.Cheap(jumpState))
	summary, err := s.pool.Forge(ctx, s.options.Runner, cheat, traceDir)
	if err != nil {
		return nil, err
	}
	forged := func(segment uint64) bool { return segment == j.Segment }
	if j.Seen, err = s.count(s.pool, summary, forged); err != nil {
		return nil, err
	}
	j.Promised = promised(s.pool.Terms.Job, j.Segment, j.Segment+1)
	var offer *verifytest.Pool
	for j.Challenge = 1; ; j.Challenge++ {
		offer = s.pool.Again(int64(j.Challenge - 1))
		drawn, err := s.draw(offer, summary)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(drawn, forged) {
			continue
		}
		if err := s.bundle(ctx, offer, traceDir, j.Bundle); err != nil {
			return nil, err
		}
		break
	}
	judged, err := s.judge(ctx, j.Bundle, nil)
	if err != nil {
		return nil, err
	}
	j.Found = judged.Verdict.Finding
	j.Paths = judged.Case.Trail(&j.Found).Paths
	for _, o := range j.Found.Outside {
		j.Outside = append(j.Outside, s.measured(o))
	}
	if len(j.Paths) == 0 && len(offer.Walk.Paths) > 0 {
		return j, s.besides(ctx, j, offer.Walk)
	}
	return j, nil
}

// besides adds the path that the opening holds besides, and what the gate measures on it.
func (s *setting) besides(ctx context.Context, j *Jump, opened walk.Trail) (err error) {
	bundle, err := verify.OpenFolder(j.Bundle)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bundle.Close()) }()
	operator, err := document.NewKey(s.operator.Public())
	if err != nil {
		return err
	}
	c, err := verify.OpenCase(ctx, bundle, operator)
	if err != nil {
		return err
	}
	j.Besides, j.Paths = true, opened.Paths[:1]
	for _, segment := range slices.Sorted(slices.Values(opened.Outside)) {
		onPath := slices.ContainsFunc(j.Paths[0].Legs, func(l walk.Leg) bool { return l.Pivot == segment })
		if !onPath && !slices.Contains(j.Found.Challenged, segment) {
			continue
		}
		r, err := c.Replay(ctx, segment, s.options.Devices[0], merkle.Hash{})
		if err != nil {
			return err
		}
		j.Outside = append(j.Outside, s.measured(verify.Outside{Segment: segment, Why: r.Measure.Outside, Totals: r.Measure.Totals}))
	}
	return nil
}

func (s *setting) measured(o verify.Outside) Measured {
	first, _ := s.pool.Terms.Job.Segment(o.Segment)
	return Measured{o.Segment, o.Why, o.Totals.Work, s.pool.Terms.Reference().At(first).Work}
}
