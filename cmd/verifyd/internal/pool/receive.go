package pool

import (
	"context"
	"io"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Receipt is the operator's word of when a claim arrived, with what follows from it.
type Receipt struct {
	Given
	Assignment []byte    // of the claim's slot
	Arrived    time.Time // whole seconds, UTC
	Sampled    uint32    // segments that will be drawn
	Renews     int       // receipts of the claim before it, which came too late: their segments are drawn as well
	Beacon     string    // the job's source of randomness
	Round      uint64    // of the beacon, which will pick what is replayed
	Due        time.Time // when that round is published: the log's witnesses must have seen the receipt before
	Deadline   time.Time // until which the worker may open it
}

// Receive signs that a claim arrived now, with all of its leaves, and how many segments of it will be drawn: as many as
// sampled says, or, if it is zero, as the worker's record asks for. The claim's slot must be assigned, and has one
// receipt, ever.
func (d *Desk) Receive(ctx context.Context, claim []byte, leaves io.Reader, sampled uint32) (*Receipt, error) {
	slot, digest, assignment, err := d.claimed(claim)
	if err != nil {
		return nil, err
	}
	file, err := d.Registry.Receive(slot, digest, func() (_ []byte, err error) {
		if sampled == 0 {
			if sampled, err = d.share(ctx, slot); err != nil {
				return nil, err
			}
		}
		return verify.Receive(d.Terms, verify.Arrival{
			Assignment: assignment, Claim: claim, Leaves: leaves, At: d.Clock(), Sampled: sampled,
		}, d.Operator)
	})
	if err != nil {
		return nil, err
	}
	return d.received(ctx, file, assignment)
}

// claimed is the slot of a claim, the claim's digest and the slot's assignment.
func (d *Desk) claimed(claim []byte) (slot registry.Slot, digest merkle.Hash, assignment []byte, err error) {
	c, digest, err := d.Terms.ReadClaim(claim)
	if err != nil {
		return slot, digest, nil, err
	}
	slot = d.slot(c.Worker.ID(), c.Slot)
	assignment, err = d.Registry.Assigned(slot)
	return slot, digest, assignment, err
}

// received enters a receipt into the log and says what follows from it.
func (d *Desk) received(ctx context.Context, file, assignment []byte) (*Receipt, error) {
	doc, err := d.Terms.ReadReceipt(file)
	if err != nil {
		return nil, err
	}
	j := d.Terms.Job
	round, due := j.Round(doc.Arrived)
	given, err := d.enter(ctx, file)
	return &Receipt{
		Given: given, Assignment: assignment, Arrived: time.Unix(doc.Arrived, 0).UTC(), Sampled: doc.Sampled, Renews: len(doc.Renews),
		Beacon: j.Beacon.Name, Round: round, Due: time.Unix(due, 0).UTC(), Deadline: time.Unix(j.Answers(doc.Arrived), 0).UTC(),
	}, err
}

// Late is a receipt that the job's witnesses did not see before its beacon's round.
type Late struct {
	Receipt []byte         // the file, the newest one of its claim
	Proof   []byte         // that the log has it, as it was handed out; nil if it never was
	Beacon  *beacon.Beacon // of its round; nil with a fixed chain
}

// Renew signs another receipt for a claim whose last one came too late into the log. What was drawn for that one stays
// drawn, in addition to what the new one's round will draw. The late receipt is in the log before it.
func (d *Desk) Renew(ctx context.Context, claim []byte, late Late) (*Receipt, error) {
	slot, digest, assignment, err := d.claimed(claim)
	if err != nil {
		return nil, err
	}
	file, err := d.Registry.Renew(slot, digest, late.Receipt, func() ([]byte, error) {
		return verify.Renew(d.Terms, verify.Renewal{
			Assignment: assignment, Claim: claim, Late: late.Receipt, Proof: late.Proof, Beacon: late.Beacon, At: d.Clock(),
		}, d.Operator)
	})
	if err != nil {
		return nil, err
	}
	if _, err := d.enter(ctx, late.Receipt); err != nil {
		return nil, err
	}
	return d.received(ctx, file, assignment)
}
