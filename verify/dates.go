package verify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/witness"
)

// readDates demands what the job asks for as evidence of when its operator gave what order and challenge follow from:
// that its log has the registration, the assignment and the receipt, and that the log's witnesses saw the first there
// before the round that gives the order's seed, and the others before the challenge's.
//
// What is missing or wrong is an error: it cannot make a claim fail, and nothing is judged without it.
func (c *Case) readDates(ctx context.Context, docs Documents) error {
	c.word = OperatorsWord
	l := c.Terms.log
	if l == nil {
		return nil
	}
	if c.Terms.Registers() {
		registration, err := readDocument(ctx, c.source, RegistrationFile)
		if err != nil {
			return err
		}
		proof, err := readLimited(ctx, c.source, RegistrationProofFile, witness.MaxProof)
		if err != nil {
			return err
		}
		if err := c.Terms.Registered(&c.Assignment, registration, proof); err != nil {
			return err
		}
	}
	_, due := c.Terms.Job.Round(c.receipt.Arrived)
	for _, d := range []struct {
		proof string
		entry []byte
	}{{AssignmentProofFile, docs.Assignment}, {ReceiptProofFile, docs.Receipt}} {
		if err := c.logged(ctx, d.proof, d.entry, due); err != nil {
			return err
		}
	}
	if l.Dates() {
		c.word = WitnessesWord
	}
	return nil
}

// logged refuses a document unless a file of the bundle shows it in the job's log, by the word of the log's witnesses
// before a time.
func (c *Case) logged(ctx context.Context, file string, entry []byte, before int64) error {
	proof, err := readLimited(ctx, c.source, file, witness.MaxProof)
	if err != nil {
		return err
	}
	return fault.In(file, c.Terms.log.Holds(proof, entry, before))
}

// inTime says whether an opening that the operator received is in time, and whose word that is. Where the job names
// witnesses these must have seen its receipt by the deadline; or the worker shows that they saw the opening, if the
// operator dates it wrongly or keeps its receipt out of the log.
func (c *Case) inTime(ctx context.Context, received []byte, opened *Opened, opening merkle.Hash) (bool, error) {
	late := c.Overdue(time.Unix(opened.Arrived, 0))
	l := c.Terms.log
	if l == nil {
		return !late, nil
	}
	before := int64(witness.AnyTime)
	if !late && l.Dates() {
		before = c.answers() + 1
	}
	err := c.logged(ctx, OpenedProofFile, received, before)
	if err == nil && !late {
		return true, nil
	}
	if ofMachine(err) != nil {
		return false, err
	}
	switch own := c.entered(ctx, opening); {
	case own == nil:
		return true, nil
	case ofMachine(own) != nil:
		return false, own
	}
	// That it came late, nobody says but the operator: a log shows that something is there, never that it was not.
	c.word = OperatorsWord
	return false, err
}

// readEntered takes an opening that the operator did not receive, if the worker shows that the job's witnesses saw it in
// time, in a log of its own or in any, and all of it is there. Nobody has said that it ever was: so whatever is missing
// or wrong means that there is no opening, and is silence once the deadline is over.
func (c *Case) readEntered(ctx context.Context) error {
	opening, digest, err := c.enteredOpening(ctx)
	if failed := ofMachine(err); failed != nil {
		return failed
	}
	switch {
	case errors.Is(err, errNotEntered):
		c.missing = fault.New(fault.NotOpenedYet, OpenedFile, "", "the file is missing: %w", fs.ErrNotExist)
	case err != nil:
		c.missing = fault.New(fault.NotOpenedYet, OpenedFile, "", "the file is missing, and no opening is shown without it (%v): %w", err, fs.ErrNotExist)
	default:
		c.openingDigest = digest
		return c.take(ctx, &opening)
	}
	return nil
}

// errNotEntered says that a worker shows no entry of its own.
var errNotEntered = fault.New(fault.Missing, OpeningProofFile, "", "the file is missing: %w", fs.ErrNotExist)

// enteredOpening is the opening that a worker entered into a log in time.
func (c *Case) enteredOpening(ctx context.Context) (Opening, merkle.Hash, error) {
	proof, err := readLimited(ctx, c.source, OpeningProofFile, witness.MaxProof)
	if errors.Is(err, fs.ErrNotExist) {
		return Opening{}, merkle.Hash{}, errNotEntered
	}
	if err != nil {
		return Opening{}, merkle.Hash{}, err
	}
	data, err := readDocument(ctx, c.source, OpeningFile)
	if err != nil {
		return Opening{}, merkle.Hash{}, err
	}
	opening, digest, err := c.readOpening(data)
	if err == nil {
		err = c.seen(proof, digest)
	}
	if err == nil {
		err = c.checkSegments(ctx, &opening) // at last: they may be large
	}
	return opening, digest, err
}

// entered refuses an opening unless the bundle shows that the job's witnesses saw it in a log by the deadline.
func (c *Case) entered(ctx context.Context, opening merkle.Hash) error {
	proof, err := readLimited(ctx, c.source, OpeningProofFile, witness.MaxProof)
	if err != nil {
		return err
	}
	return c.seen(proof, opening)
}

// seen refuses a proof that does not show that the job's witnesses saw an opening by the deadline.
func (c *Case) seen(proof []byte, opening merkle.Hash) error {
	if c.Terms.log == nil {
		return fault.New(fault.Undated, OpeningProofFile, "", "the job names no log with witnesses, and without them a log proves no time")
	}
	return fault.In(OpeningProofFile, c.Terms.log.Saw(proof, openingEntry(opening), c.answers()+1))
}

// ofMachine is err if it says nothing about the bundle: this machine failed, or the work was called off.
func ofMachine(err error) error {
	if side := fault.Of(err).Blames(); err != nil && (side == fault.Machine || side == fault.Nobody) {
		return err
	}
	return nil
}

// OpeningEntry is the entry of a log by which a worker shows that it has answered in time, whatever the operator says:
// the digest of the opening, which names the SHA-256 of all its files. The opening must be signed by the claim's worker.
func OpeningEntry(opening, claim []byte) ([]byte, error) {
	c, _, err := trace.ReadClaim(ClaimFile, claim)
	if err != nil {
		return nil, err
	}
	_, digest, err := document.Read[Opening](OpeningFile, opening, openingKind, c.Worker)
	if err != nil {
		return nil, err
	}
	return openingEntry(digest), nil
}

func openingEntry(opening merkle.Hash) []byte {
	return fmt.Appendf(nil, "verifyd-opening/1\n%v\n", opening)
}
