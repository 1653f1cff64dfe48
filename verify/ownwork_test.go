package verify_test

import (
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// TestNobodyJudgesOrAssignsItsOwnWork: whatever a key's file says that it is for, it has one part in a case.
func TestNobodyJudgesOrAssignsItsOwnWork(t *testing.T) {
	r, c, forged := honestAndForged(t)
	_, err := verify.Assign(c.Terms, verify.Registration{Worker: c.Terms.Job.Operator.ID(), At: time.Unix(c.Terms.Job.Issued, 0)}, r.operator)
	if verify.ClassOf(err) != fault.OwnWork || !strings.Contains(err.Error(), "worker") {
		t.Errorf("the operator assigns to itself: %v", err)
	}
	for part, key := range map[string]merkle.Hash{"operator": c.Terms.Job.Operator.ID(), "worker": c.Claim.Worker.ID()} {
		for _, of := range []*verify.Case{c, forged} {
			o := r.options(kernels.Generic, 1)
			o.Verifier = key
			if v, err := of.Judge(t.Context(), o); verify.ClassOf(err) != fault.OwnWork || v != nil {
				t.Errorf("the %s judges: %v", part, err)
			}
		}
	}
	verdict := judged(t, c, r.by(merkle.Hash{}))
	verdict.Finding.Worker = keyOf(t, newKey(t, 5)).ID() // as if that key had done the work
	if _, err := verdict.Sign(newKey(t, 5)); verify.ClassOf(err) != fault.OwnWork {
		t.Errorf("a worker signs a verdict on its own work: %v", err)
	}
}
