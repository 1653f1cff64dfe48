package valuation

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify/job"
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
	p, err := policyOf(l)
	if err != nil {
		return false, fmt.Errorf("job: log: %w", err)
	}
	if len(l.Witnesses) == 0 {
		_, err := p.Verify(proof, signed)
		return false, err
	}
	if err := c.Logged(p, proof, signed); err != nil {
		return false, err
	}
	return true, nil
}

// policyOf is whose signatures on a checkpoint a job asks for.
func policyOf(l *job.Log) (*translog.Policy, error) {
	if len(l.Witnesses) == 0 {
		return translog.NewPolicy(l.Key)
	}
	var text strings.Builder
	names := make([]string, len(l.Witnesses))
	for i, key := range l.Witnesses {
		names[i] = fmt.Sprintf("w%d", i)
		fmt.Fprintf(&text, "witness %s %s\n", names[i], key)
	}
	fmt.Fprintf(&text, "group quorum-of-job %d %s\nquorum quorum-of-job\n", l.Threshold, strings.Join(names, " "))
	return translog.ParsePolicy([]byte(text.String()), l.Key)
}
