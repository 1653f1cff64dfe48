package canary

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// Work is what a canary is made for: a slot like any other.
type Work struct {
	Terms      *verify.Terms
	Data       *job.Dataset
	Assignment []byte // the file
	Runner     program.Runner
}

// Make leaves the trace of a canary of a kind in dir, which must not exist, and says what is false about it. Where the
// lies are is drawn from random. A cheap one needs three segments.
func (w Work) Make(ctx context.Context, kind Kind, random *rand.Rand, dir string) (trace.Summary, *Answer, error) {
	assigned, digest, err := w.Terms.ReadAssignment(w.Assignment)
	if err != nil {
		return trace.Summary{}, nil, err
	}
	if _, known := lies[kind]; !known {
		return trace.Summary{}, nil, fmt.Errorf("%.60q is none of %v", string(kind), Kinds())
	}
	cheat, steps, err := cheatOf(kind, w.Terms, random)
	if err != nil {
		return trace.Summary{}, nil, err
	}
	pool := verifytest.Pool{Terms: w.Terms, Data: w.Data, Documents: verify.Documents{Assignment: w.Assignment}}
	s, err := pool.Forge(ctx, w.Runner, cheat, dir)
	if err != nil {
		return s, nil, err
	}
	return s, &Answer{
		Version: Version, Kind: kind, Job: w.Terms.Digest, Assignment: digest, Worker: assigned.Worker, Slot: assigned.Slot,
		Root: s.Root, False: steps,
	}, nil
}

// cheatOf draws the lies of a canary and returns the steps that they make false.
func cheatOf(kind Kind, terms *verify.Terms, random *rand.Rand) (verifytest.Cheat, []uint64, error) {
	j := terms.Job
	switch kind {
	case Bad:
		step := random.Uint64N(j.Steps)
		tensor, element := random.Int(), random.Int()
		return verifytest.Cheat{State: func(t uint64, m *program.Machine) {
			if t == step {
				x := m.Tensors()[tensor%len(m.Tensors())]
				x[element%len(x)] = math.Float32frombits(math.Float32bits(x[element%len(x)]) ^ 1)
			}
		}}, []uint64{step}, nil
	case Cheap:
		n := j.Segments()
		if n < 3 {
			return verifytest.Cheat{}, nil, fault.New(fault.OutOfRange, "", "kind", "%s needs three segments, the job has %d", kind, n)
		}
		there, back := end(j, random.Uint64N(n-2)), end(j, n-2)
		return verifytest.ThereAndBack(terms.Plan, verifytest.Either(there, back), verifytest.Cheap("all zeros")), []uint64{there, back}, nil
	}
	return verifytest.Cheat{}, []uint64{}, nil
}

// end is the last step of a segment.
func end(j *job.Job, segment uint64) uint64 {
	first, count := j.Segment(segment)
	return first + count - 1
}
