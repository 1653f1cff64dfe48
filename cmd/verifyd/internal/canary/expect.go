package canary

import (
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
)

// Expected is what every verifier of a canary must find.
type Expected struct {
	Outcome verify.Outcome
	Step    uint64 // of the first difference, where it is a FAIL
}

// Expect says what must be found once the segments are drawn: a function of the order in which segments are replayed
// ([verify.Case.Order]) and of the steps that are false. A lie in a segment that nobody replays is none.
func (a *Answer) Expect(t *verify.Terms, ch *verify.Challenge, order []uint64) (Expected, error) {
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
	for _, segment := range order { // replays go up to the first mismatch
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
