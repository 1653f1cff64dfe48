package canary

import (
	"slices"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
)

// Path says which segments are replayed besides those that the beacon drew, in the order in which they are, by what the
// drawn ones show. None is one where nothing else is replayed.
type Path func(drawn []uint64) []uint64

// None is no path.
func None([]uint64) []uint64 { return nil }

// Expected is what every verifier of a canary must find.
type Expected struct {
	Outcome verify.Outcome
	Step    uint64 // of the first difference, where it is a FAIL
}

// Expect says what must be found once the segments are drawn: a function of those, of the path from them, and of the
// steps that are false. A lie in a segment that nobody replays is none.
func (a *Answer) Expect(t *verify.Terms, ch *verify.Challenge, path Path) (Expected, error) {
	if a.Job != t.Digest {
		return Expected{}, fault.New(fault.WrongJob, "", "job", "%v, the job is %v", a.Job, t.Digest)
	}
	for _, step := range a.False {
		if step >= t.Job.Steps {
			return Expected{}, fault.New(fault.OutOfRange, "", "false", "step %d, the job has %d", step, t.Job.Steps)
		}
	}
	if !ch.Audited {
		return Expected{Outcome: verify.Unaudited}, nil
	}
	drawn := slices.Sorted(slices.Values(ch.Segments)) // replays go up to the first mismatch
	for _, segment := range append(drawn, path(ch.Segments)...) {
		first, count := t.Job.Segment(segment)
		for _, step := range a.False {
			if step >= first && step < first+count {
				return Expected{verify.Fail, step}, nil
			}
		}
	}
	return Expected{Outcome: verify.Pass}, nil
}

// is says whether a finding is the expected one.
func (e Expected) is(f verify.Finding) bool {
	return f.Outcome == e.Outcome && (e.Outcome != verify.Fail || f.First != nil && f.First.Step == e.Step)
}
