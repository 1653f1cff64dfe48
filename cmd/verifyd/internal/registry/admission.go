package registry

import (
	"context"

	"github.com/verifyd/verifyd/verify/merkle"
)

// Admission is what a worker's key has to show for what it was assigned.
type Admission struct {
	Assigned int `json:"assigned"` // slots
	Received int `json:"received"` // of those, with the receipt of a claim
	Ended    int `json:"ended"`    // of those, ended without a claim
}

// Open is how many assignments wait for a claim.
func (a Admission) Open() int { return a.Assigned - a.Received - a.Ended }

// Admission counts what became of the assignments of a worker's key. It reads every assignment in the registry.
func (r *Registry) Admission(ctx context.Context, worker merkle.Hash) (Admission, error) {
	var a Admission
	err := r.each(ctx, assignments, func(name merkle.Hash, data []byte) error {
		rec, err := parse(assignments, name, data)
		if err != nil || rec.Worker != worker {
			return err
		}
		a.Assigned++
		became, err := r.lookup(receipts, rec.Slot.name(0))
		switch {
		case err != nil || became == nil:
		case became.Kind == ended:
			a.Ended++
		default:
			a.Received++
		}
		return err
	})
	return a, err
}

// Received is a claim that has a receipt.
type Received struct {
	Slot
	Claim    merkle.Hash // digest
	Document []byte      // its first receipt
}

// Received calls use with every claim that has a receipt, whatever became of it, in no order. It reads every receipt in
// the registry.
func (r *Registry) Received(ctx context.Context, use func(Received) error) error {
	return r.each(ctx, receipts, func(name merkle.Hash, data []byte) error {
		rec, err := parse(receipts, name, data)
		if err != nil || rec.Kind != receipt || rec.Number != 0 {
			return err
		}
		return use(Received{rec.Slot, rec.About, rec.Document})
	})
}
