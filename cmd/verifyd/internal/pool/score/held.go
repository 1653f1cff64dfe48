package score

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/proofs"
)

// Held is a claim that may earn, and is not stated yet: its job holds the pay. Its verdict is given again in a later epoch.
type Held struct {
	Worker  proofs.Hash
	Task    proofs.Hash
	Slot    uint32
	Account proofs.Hash
	Verdict proofs.Verdict
	Judged  uint64         // further claims that count
	Of      uint32         // that are needed
	Until   int64          // Unix time in seconds at which it is paid with fewer
	Waits   *registry.Slot // the claim without a verdict for which later ones do not count yet; nil for none
}

// standing is what becomes of a claim's pay now. What earns nothing is not held: a claim that did not pass, and one that
// was not audited under a policy that pays nothing for it.
func (e *Epoch) standing(j *Judged, verdict proofs.Verdict) (standing, error) {
	f, of := j.Verdict.Finding, j.Terms.Job
	if of.Hold == 0 {
		return standing{paid: true}, nil
	}
	known := e.Records[f.Worker]
	slot := registry.Slot{Job: f.Job, Worker: f.Worker, Slot: f.Slot}
	if known == nil || known.Judged.Of(slot) == nil {
		return standing{}, fmt.Errorf("job %s holds pay until %d further claims are judged: %w", f.Job, of.Hold, ErrNoRecord)
	}
	if stands := known.Judged.Of(slot); stands.Outcome != f.Outcome {
		return standing{}, fmt.Errorf("it says %s, and %s for %s is recorded of the claim and stands", f.Outcome, stands.Outcome, stands.Reason)
	}
	if verdict.Kind > proofs.Partial || verdict.Kind == proofs.Partial && e.Policy.Unaudited == 0 {
		return standing{paid: true}, nil
	}
	return known.standing(slot, of.Hold, of.Period, e.Issued.Unix()), nil
}

// allHeld are the claims that are held, in the order of worker, task and slot.
func (e *Epoch) allHeld() []Held {
	return slices.SortedFunc(maps.Values(e.held), func(a, b Held) int {
		return cmp.Or(bytes.Compare(a.Worker[:], b.Worker[:]), bytes.Compare(a.Task[:], b.Task[:]), cmp.Compare(a.Slot, b.Slot))
	})
}
