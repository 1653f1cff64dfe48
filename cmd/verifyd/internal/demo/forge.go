package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/odds"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// challenges is how many beacons are tried on each forgery to see how often
// it is caught.
const challenges = 1000

// Forgery is one false claim and how it fared.
type Forgery struct {
	Name     string `json:"name"`
	Where    string `json:"where"`    // "throughout", or which segment
	Segments int    `json:"segments"` // that are forged
	// Promised is the probability that a challenge includes a forged segment.
	Promised float64 `json:"promised"`
	// Seen is how many of the challenges drawn did.
	Seen int `json:"seen"`
	// First is the verdict on the first challenge, which may miss a single
	// forged segment.
	First verify.Finding `json:"first"`
	// Caught is the verdict on the first challenge that includes a forged
	// segment, and Challenge that challenge's number, from 1.
	Caught    verify.Finding `json:"caught"`
	Challenge uint64         `json:"challenge"`
	// Bundle is the folder with the bundle that Caught is about.
	Bundle string `json:"bundle"`
}

// forge tries every forgery throughout and in a single segment.
func (s *setting) forge(ctx context.Context) ([]Forgery, error) {
	var results []Forgery
	progress := s.options.Progress("forging")
	total := uint64(2 * len(verifytest.Shortcuts()))
	segments := uint64(steps / stride)
	for i := range verifytest.Shortcuts() {
		for _, single := range []bool{false, true} {
			f := verifytest.Shortcuts()[i]
			from, to, name := uint64(0), segments, "throughout"
			if single {
				from = segments / 2
				if f.Last {
					from = segments - 1
				}
				to, name = from+1, where(from)
			}
			progress(uint64(len(results)), total)
			result := Forgery{
				Name: f.Name, Where: name, Segments: int(to - from),
				Bundle: filepath.Join(s.options.Dir, "forged", strings.ReplaceAll(f.Name+" "+name, " ", "-")),
			}
			if err := s.tryForgery(ctx, f, from, to, &result); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", f.Name, name, err)
			}
			results = append(results, result)
		}
	}
	progress(total, total)
	return results, nil
}

// where names a single forged segment.
func where(segment uint64) string { return fmt.Sprintf("segment %d", segment) }

// tryForgery forges segments from to to-1, claims the trace, and lets
// challenges at it.
func (s *setting) tryForgery(ctx context.Context, f verifytest.Shortcut, from, to uint64, result *Forgery) error {
	dir, err := os.MkdirTemp(s.dir, "forged-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	offer := s.pool
	traceDir := filepath.Join(dir, "trace")
	forged := func(segment uint64) bool { return from <= segment && segment < to }
	summary, err := offer.Forge(ctx, s.options.Runner, verifytest.Cheat{Work: f.Work, Segments: forged}, traceDir)
	if err != nil {
		return err
	}
	if result.Seen, err = s.count(offer, summary, forged); err != nil {
		return err
	}
	result.Promised = promised(offer.Terms.Job, from, to)

	// The first challenge is the one that the worker really met. If it misses
	// the forged segment, the same claim is received a second later, which draws
	// anew, and so on, until one does not. An operator never does that.
	for number := uint64(1); ; number++ {
		offer = s.pool.Again(int64(number - 1))
		drawn, err := s.draw(offer, summary)
		if err != nil {
			return err
		}
		hit := slices.ContainsFunc(drawn, forged)
		if !hit && number > 1 {
			continue
		}
		bundle := filepath.Join(dir, "missed")
		if hit {
			bundle = result.Bundle
		}
		if err := s.bundle(ctx, offer, traceDir, bundle); err != nil {
			return err
		}
		judged, err := s.judge(ctx, bundle, nil)
		if err != nil {
			return err
		}
		if number == 1 {
			result.First = judged.Verdict.Finding
		}
		if hit {
			result.Caught, result.Challenge = judged.Verdict.Finding, number
			return nil
		}
	}
}

// claimOf is the claim that the worker would sign for a trace.
func (s *setting) claimOf(o *verifytest.Pool, summary trace.Summary) (trace.Claim, error) {
	worker, err := document.NewKey(s.worker.Public())
	return trace.Claim{
		Version: trace.ClaimVersion, Job: o.Terms.Digest, Worker: worker,
		Steps: summary.Steps, Root: summary.Root, Final: summary.Final,
	}, err
}

// draw returns the segments that are asked for when a claim arrives as o says.
func (s *setting) draw(o *verifytest.Pool, summary trace.Summary) ([]uint64, error) {
	claim, err := s.claimOf(o, summary)
	if err != nil {
		return nil, err
	}
	receipt, err := o.Receipt(summary)
	if err != nil {
		return nil, err
	}
	challenge, err := o.Terms.DrawWith(claim, receipt, beaconValue(1))
	if err != nil {
		return nil, err
	}
	return challenge.Segments, nil
}

// count draws challenges for one claim from as many beacons and returns how
// many of them include a forged segment.
func (s *setting) count(o *verifytest.Pool, summary trace.Summary, forged func(uint64) bool) (int, error) {
	claim, err := s.claimOf(o, summary)
	if err != nil {
		return 0, err
	}
	receipt, err := o.Receipt(summary)
	if err != nil {
		return 0, err
	}
	seen := 0
	for number := range uint64(challenges) {
		challenge, err := o.Terms.DrawWith(claim, receipt, beaconValue(number+1))
		if err != nil {
			return 0, err
		}
		if slices.ContainsFunc(challenge.Segments, forged) {
			seen++
		}
	}
	return seen, nil
}

// promised is the probability that a challenge includes one of the segments from
// to to-1.
func promised(j *job.Job, from, to uint64) float64 {
	if to == j.Segments() {
		return 1 // the last segment is always replayed
	}
	p, _ := odds.Caught(j.Segments(), uint64(j.Sampled.Least), to-from).Float64()
	return p
}
