package score

import (
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Jobs are the terms that verdicts were reached under, by the job's digest.
type Jobs map[merkle.Hash]*verify.Terms

// ErrNoJob says that a verdict is on a job whose terms are not at hand.
var ErrNoJob = errors.New("which was not given")

// ErrNoRecord says that a claim's job holds pay and nobody settled the epoch's verdicts with a registry.
var ErrNoRecord = errors.New("the worker's record is needed")

// Add reads a verdict that verifier signed and adds it to the epoch, under the terms that its digest names. Errors
// begin with file.
func (e *Epoch) Add(file string, signed []byte, verifier document.Key, jobs Jobs) error {
	v, err := verify.ReadVerdict(file, signed, verifier)
	if err != nil {
		return err
	}
	t := jobs[v.Finding.Job]
	if t == nil {
		return fmt.Errorf("%s: on job %s, %w", file, v.Finding.Job, ErrNoJob)
	}
	if verifier == t.Job.Operator {
		return fault.New(fault.OwnWork, file, "verifier", "%v is the key of the job's operator", verifier.ID())
	}
	e.Judged = append(e.Judged, Judged{File: file, Verdict: v, Terms: t})
	return nil
}
