package pool

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Desk is where an operator gives what there is one of, ever: a worker's assignment, the receipt of its claim, the receipt
// of its opening. What is given is kept in the registry, then entered into the log, then returned: asked again for the
// same, after a crash between any two of these, it gives the same bytes under the same index.
//
// The time of a document is taken when it is made. Where a log is open that no other process writes meanwhile, times
// do not run backwards in it.
type Desk struct {
	Terms    *verify.Terms
	Job      []byte // the job's file, which is entered into the log before anything that is given for it
	Operator crypto.Signer
	Registry *registry.Registry
	Log      *translog.Log // nil for none: then nobody but the operator says when
	Clock    func() time.Time
}

// Given is what a desk gives.
type Given struct {
	File  []byte
	Index int64 // of its entry in the log; -1 without one
}

// enter enters a document into the log.
func (d *Desk) enter(ctx context.Context, file []byte) (Given, error) {
	if d.Log == nil {
		return Given{file, -1}, nil
	}
	at, err := d.Log.Append(ctx, d.Job, file)
	if err != nil {
		return Given{}, err
	}
	return Given{file, at[1]}, nil
}

func (d *Desk) slot(worker merkle.Hash, slot uint32) registry.Slot {
	return registry.Slot{Job: d.Terms.Digest, Worker: worker, Slot: slot}
}

// Registered is a registration as it is given, and the beacon's round that gives the seed.
type Registered struct {
	Given
	At     time.Time
	Beacon string
	Round  uint64
	Due    time.Time // when that round is published
}

// Register signs that a worker asked for a slot, and says which round of the beacon gives the seed of its order. Where the job
// asks for data of the worker's own it names them, once and for all.
func (d *Desk) Register(ctx context.Context, worker merkle.Hash, slot uint32, data *job.Set) (*Registered, error) {
	if slot >= d.Terms.Job.Slots {
		return nil, fmt.Errorf("slot %d: the job has %d, from 0", slot, d.Terms.Job.Slots)
	}
	if worker == d.Terms.Job.Operator.ID() {
		return nil, fault.New(fault.OwnWork, "registration", "worker", "%v is the operator's own key", worker)
	}
	if err := d.Terms.Job.Takes(data); err != nil {
		return nil, fault.In("registration", err)
	}
	file, err := d.Registry.Register(d.slot(worker, slot), about(data), func() ([]byte, error) {
		return job.Registration{Job: d.Terms.Digest, Worker: worker, Slot: slot, At: ceil(d.Clock()), Data: data}.Sign(d.Operator)
	})
	if err != nil {
		return nil, err
	}
	doc, _, err := d.Terms.Job.ReadRegistration("registration", file, d.Terms.Digest)
	if err != nil {
		return nil, err
	}
	r := &Registered{
		At: time.Unix(doc.At, 0).UTC(), Beacon: d.Terms.Job.Beacon.Name, Round: d.Terms.Job.AssignmentRound(doc.At),
		Due: time.Unix(d.Terms.Job.AssignmentDue(doc.At), 0).UTC(),
	}
	r.Given, err = d.enter(ctx, file)
	return r, err
}

// about is what the registry remembers of a worker's own data: the SHA-256 of root and number of samples, or zero for none.
func about(data *job.Set) merkle.Hash {
	if data == nil {
		return merkle.Hash{}
	}
	return sha256.Sum256(binary.BigEndian.AppendUint64(data.Root[:], data.Samples))
}

// ceil is the first whole second that is not before a time.
func ceil(t time.Time) int64 {
	if t.Nanosecond() > 0 {
		return t.Unix() + 1
	}
	return t.Unix()
}

// Assign signs the assignment of a slot to a worker who is registered for it: with the seed that public, the round that
// its registration names, gives; or where the chain is fixed with the seed given, drawn if it is zero. Asked again it
// gives the first one, and refuses another seed, or other data than those that were registered.
func (d *Desk) Assign(ctx context.Context, worker merkle.Hash, slot uint32, data *job.Set, public *beacon.Beacon, seed merkle.Hash) (*Given, error) {
	registered, err := d.Register(ctx, worker, slot, data)
	if err != nil {
		return nil, err
	}
	file, err := d.Registry.Assign(d.slot(worker, slot), about(data), func() ([]byte, error) {
		r := verify.Registration{Worker: worker, Slot: slot, At: registered.At, Beacon: public, Seed: seed, Data: data}
		if public == nil && seed == (merkle.Hash{}) {
			_, _ = rand.Read(r.Seed[:]) // never fails
		}
		return verify.Assign(d.Terms, r, d.Operator)
	})
	if err != nil {
		return nil, err
	}
	a, _, err := d.Terms.ReadAssignment(file)
	if err != nil {
		return nil, err
	}
	if seed != (merkle.Hash{}) && a.Seed != seed {
		return nil, &registry.Refusal{Class: registry.Given, Reason: fmt.Sprintf("%v is assigned with another seed", d.slot(worker, slot))}
	}
	given, err := d.enter(ctx, file)
	return &given, err
}

// Kinds of documents that package verify signs.
const (
	receiptKind = document.Kind("receipt")
	openedKind  = document.Kind("opened")
)

// Opened is the operator's word of when an opening arrived.
type Opened struct {
	Given
	Arrived  time.Time
	Deadline time.Time // of the claim; an opening that arrives later is receipted all the same, and fails for it
}

// Open signs that the opening of a claim arrived now, whole. Its claim must have a receipt, the one in the bundle, and
// has one opening, ever; another one if that receipt was renewed.
func (d *Desk) Open(ctx context.Context, bundle verify.Source) (*Opened, error) {
	data, err := readSource(ctx, bundle, verify.ReceiptFile, document.MaxSize)
	if err != nil {
		return nil, err
	}
	received, err := d.Terms.ReadReceipt(data)
	if err != nil {
		return nil, err
	}
	// Within the second that the claim's arrival was rounded up to, its opening has not arrived earlier.
	at := d.Clock()
	if first := time.Unix(received.Arrived, 0); at.Before(first) {
		at = first
	}
	file, err := verify.ReceiveOpening(ctx, bundle, at, d.Operator)
	if err != nil {
		return nil, err
	}
	doc, err := document.Peek[verify.Opened](verify.OpenedFile, file, openedKind)
	if err != nil {
		return nil, err
	}
	if doc.Job != d.Terms.Digest {
		return nil, fmt.Errorf("the bundle is of job %v, not %v", doc.Job, d.Terms.Digest)
	}
	data, err = readSource(ctx, bundle, verify.ClaimFile, document.MaxSize)
	if err != nil {
		return nil, err
	}
	claim, digest, err := d.Terms.ReadClaim(data)
	if err != nil {
		return nil, err
	}
	if digest != doc.Claim {
		return nil, fmt.Errorf("%s was another one a moment ago", verify.ClaimFile)
	}
	slot := d.slot(claim.Worker.ID(), claim.Slot)
	receiptFile, receipt, err := d.given(slot, doc.Receipt)
	if err != nil {
		return nil, err
	}
	file, err = d.Registry.Open(slot, receiptFile, doc.Opening, func() ([]byte, error) { return file, nil })
	if err != nil {
		return nil, err
	}
	if doc, err = document.Peek[verify.Opened](verify.OpenedFile, file, openedKind); err != nil {
		return nil, err
	}
	o := &Opened{Arrived: time.Unix(doc.Arrived, 0).UTC(), Deadline: time.Unix(d.Terms.Job.Answers(receipt.Arrived), 0).UTC()}
	o.Given, err = d.enter(ctx, file)
	return o, err
}

// given is the receipt of a digest that the registry gave for a slot. Another one is refused, even if the operator's
// key signed it.
func (d *Desk) given(slot registry.Slot, digest merkle.Hash) ([]byte, verify.Receipt, error) {
	all, err := d.Registry.Receipts(slot)
	if err != nil {
		return nil, verify.Receipt{}, err
	}
	for _, file := range all {
		r, found, err := document.Read[verify.Receipt](verify.ReceiptFile, file, receiptKind, d.Terms.Job.Operator)
		if err != nil || found == digest {
			return file, r, err
		}
	}
	return nil, verify.Receipt{}, &registry.Refusal{Class: registry.NotReceived, Reason: fmt.Sprintf("the bundle's receipt was not given for %v", slot)}
}

// readSource reads a file of a bundle of at most limit bytes.
func readSource(ctx context.Context, bundle verify.Source, name string, limit int64) ([]byte, error) {
	f, err := bundle.Open(ctx, name)
	if err != nil {
		return nil, fault.In(name, err)
	}
	defer f.Close()
	if f.Size() > limit {
		return nil, fault.New(fault.TooLarge, name, "", "%d bytes, the limit is %d", f.Size(), limit)
	}
	data := make([]byte, f.Size())
	if _, err := io.ReadFull(io.NewSectionReader(f, 0, f.Size()), data); err != nil {
		return nil, fault.In(name, fault.Truncated(err))
	}
	return data, nil
}
