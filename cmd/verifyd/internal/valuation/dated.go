package valuation

import (
	"errors"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/witness"
)

// ErrUndated says that the jobs of a list name a log, and nothing shows that the list is in it.
var ErrUndated = errors.New("the jobs name a log: a proof that it has the list is needed")

// Log is the log that the jobs of a list name, nil for none. All of them name the same one, or the list is refused.
func (c *Claims) Log(jobs Jobs) (*job.Log, error) {
	var log *job.Log
	for i, l := range c.Claims {
		t := jobs[l.Job]
		if t == nil {
			return nil, fmt.Errorf("claims[%d]: on job %v, which was not given", i, l.Job)
		}
		if i > 0 && !sameLog(t.Job.Log, log) {
			return nil, fmt.Errorf("claims[%d]: job %v names another log than the others: they are for lists of their own", i, l.Job)
		}
		log = t.Job.Log
	}
	return log, nil
}

func sameLog(a, b *job.Log) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Key == b.Key && a.Threshold == b.Threshold && slices.Equal(a.Witnesses, b.Witnesses)
}

// Dated refuses a signed list unless there is what its jobs ask for as evidence of when it was frozen: that it is in
// their log and, where they ask for witnesses, that these saw it there before the list's round was due. It says whether
// witnesses did; else the operator is believed about it. Proof is empty if there is none.
func (c *Claims) Dated(jobs Jobs, proof, signed []byte) (witnessed bool, err error) {
	l, err := c.Log(jobs)
	switch {
	case err != nil || l == nil:
		return false, err
	case len(proof) == 0:
		return false, ErrUndated
	}
	log, err := witness.NewLog(l.Key, l.Witnesses, l.Threshold)
	if err != nil {
		return false, fault.Under("log", err)
	}
	err = log.Holds(proof, signed, c.Frozen+int64(c.Delay))
	return err == nil && log.Dates(), err
}
