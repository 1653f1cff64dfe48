package verify

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

// Options are a verifier's.
type Options struct {
	// Devices replay, in order of preference: the first that serves. If it fails with engine.ErrDevice, the
	// next one goes on. What one finds, the one after it confirms before it becomes a FAIL; it should share
	// as little as possible with the first: other hardware, or at least another instruction set. So
	// at least two are needed.
	Devices []engine.Device
	// MaxMemory refuses, before anything is allocated for it, a program whose Terms.MemoryBytes are more:
	// the operator's signature vouches for a program, but not for this machine. 0 means DefaultMaxMemory.
	MaxMemory uint64
	// ReadAhead bounds the bytes of openings that are read and decompressed before they are needed, while
	// a device is busy; 0 means DefaultReadAhead.
	ReadAhead int
	// Now is the time at which a missing opening is judged: once the job's deadline is over, silence is
	// a FAIL. The zero time means that no deadline is over. An opening that is there and cannot be read
	// is an error at any time, because it may have been damaged on its way; an operator who received it
	// so discards it, and judges silence.
	Now time.Time
	// Progress, if set, is called after each replayed step with the steps done and those to do.
	Progress func(done, total uint64)
	// Failed, if set, is told of each device that failed and why.
	Failed func(d engine.Device, err error)
}

// Judge checks the bundle in dir against the operator's key. An error means that it cannot be judged.
//
// Beside the engine it holds one step's opening, one segment's leaves, Options.ReadAhead and at most 32 MiB
// more, whatever the files say; and a program that needs more than Options.MaxMemory is an error.
func Judge(ctx context.Context, dir string, operator document.Key, o Options) (*Verdict, error) {
	if len(o.Devices) < 2 {
		return nil, errors.New("verify: a device and one to confirm with are needed")
	}
	f, err := openFiles(dir)
	if err != nil {
		return nil, err
	}
	defer f.close()
	c, err := readInquiry(f, operator)
	if err != nil {
		return nil, err
	}
	if err := c.terms.CheckMemory(o.MaxMemory); err != nil {
		return nil, err
	}
	if err := c.judge(ctx, o); err != nil {
		return nil, err
	}
	return c.verdict()
}

// inquiry is a bundle while it is judged.
type inquiry struct {
	files     *files
	terms     *Terms
	claim     trace.Claim
	challenge *Challenge
	opening   Opening
	receipt   Receipt

	claimDigest, receiptDigest, beaconDigest, openingDigest merkle.Hash

	finding   Finding
	device    string // that replayed
	confirmed string // device of the second replay
}

// readInquiry reads the documents of a bundle and derives the challenge.
func readInquiry(f *files, operator document.Key) (*inquiry, error) {
	var data [5][]byte
	for i, name := range []string{JobFile, ProgramFile, ClaimFile, ReceiptFile, BeaconFile} {
		var err error
		if data[i], err = f.read(name); err != nil {
			return nil, err
		}
	}
	terms, err := Accept(data[0], data[1], operator)
	if err != nil {
		return nil, err
	}
	q := &inquiry{files: f, terms: terms}
	if q.claim, q.claimDigest, err = terms.OpenClaim(data[2]); err != nil {
		return nil, err
	}
	if q.receipt, q.receiptDigest, err = terms.openReceipt(data[3], q.claimDigest); err != nil {
		return nil, err
	}
	public, err := document.Decode[beacon.Beacon](BeaconFile, data[4])
	if err != nil {
		return nil, err
	}
	if q.beaconDigest, err = document.Digest(document.Kind("beacon"), public); err != nil {
		return nil, err
	}
	if q.challenge, err = terms.Draw(q.claim, q.receipt, public); err != nil {
		return nil, err
	}
	n := terms.Job.Segments()
	k := min(uint64(terms.Job.Sampled), n)
	worker := q.claim.Worker.ID()
	q.finding = Finding{
		Version: VerdictVersion, Outcome: Pass, Reason: Honest, Profile: terms.Job.Profile,
		Job: terms.Digest, Worker: worker, Slot: q.claim.Slot,
		Claim: q.claimDigest, Receipt: q.receiptDigest, Root: q.claim.Root, Final: q.claim.Final,
		Beacon: public.Chain, Round: q.challenge.Round, Randomness: q.challenge.Randomness, Seed: q.challenge.Seed,
		Steps: q.claim.Steps, Segments: n, Sampled: k, Challenged: q.challenge.Segments,
		Odds: odds(n, k),
	}
	return q, nil
}

// judge fills the finding.
func (q *inquiry) judge(ctx context.Context, o Options) error {
	reason, at, err := q.checkLeaves()
	if err != nil {
		return err
	}
	if reason != Honest {
		q.fail(&Mismatch{Reason: reason, Difference: Difference{Segment: at / q.terms.Job.Stride, Step: at}})
		return nil
	}
	data, err := q.files.read(OpeningFile)
	if errors.Is(err, fs.ErrNotExist) && q.overdue(o.Now) {
		q.finding.Outcome, q.finding.Reason = Fail, Unopened
		return nil
	}
	if err != nil {
		return err
	}
	if q.opening, q.openingDigest, err = q.terms.openOpening(data, q.claim, q.claimDigest, q.challenge); err != nil {
		return err
	}
	return q.replay(ctx, o)
}

// overdue says that the time to open the claim is over.
func (q *inquiry) overdue(now time.Time) bool {
	return !now.IsZero() && now.Unix() > q.receipt.Arrived+int64(q.terms.Job.Deadline)
}

func (q *inquiry) fail(m *Mismatch) {
	first := m.Difference
	q.finding.Outcome, q.finding.Reason, q.finding.First = Fail, m.Reason, &first
}

// checkLeaves reads all leaves once. A file that is not the claimed one is an error; claimed leaves that
// cannot be those of a training run are a reason to fail, with the step where it shows.
func (q *inquiry) checkLeaves() (reason Reason, at uint64, err error) {
	leaves, file, err := q.leaves()
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	reason = Honest
	last := trace.Leaf{Next: q.terms.Job.Init.Root}
	for {
		l, err := leaves.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return "", 0, err
		}
		if reason == Honest && l.State != last.Next {
			reason, at = BrokenChain, l.Step
			if l.Step == 0 {
				reason = WrongInit
			}
		}
		last = l
	}
	if got := leaves.Root(); got != q.claim.Root {
		return "", 0, fmt.Errorf("%s: root %v, the claim has %v", LeavesFile, got, q.claim.Root)
	}
	if reason == Honest && last.Next != q.claim.Final {
		return WrongFinal, last.Step, nil
	}
	return reason, at, nil
}

// leaves opens the leaf file, which must have the size that the job gives.
func (q *inquiry) leaves() (*trace.Leaves, io.Closer, error) {
	file, _, err := q.files.open(LeavesFile, trace.LeavesSize(q.terms.Job.Steps))
	if err != nil {
		return nil, nil, err
	}
	leaves, err := trace.NewLeaves(bufio.NewReaderSize(file, 1<<16), LeavesFile, q.terms.Job.Steps)
	if err != nil {
		file.Close()
		return nil, nil, err
	}
	return leaves, file, nil
}

// segmentLeaves reads the leaves of one segment.
func (q *inquiry) segmentLeaves(segment uint64) ([]trace.Leaf, error) {
	file, _, err := q.files.open(LeavesFile, trace.LeavesSize(q.terms.Job.Steps))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	first, count := q.terms.Job.Segment(segment)
	leaves, err := trace.ReadLeaves(file, first, count)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", LeavesFile, err)
	}
	return leaves, nil
}
