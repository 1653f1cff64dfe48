package verify

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/bits"
	"sync"
	"time"

	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/slices"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/walk"
)

// Case is a claim with its documents, read once. All that is said of it afterwards, in a verdict, a proof or a
// score, comes from what was read then: what is read again, an opened segment or the leaves of one, is held
// against its hash.
//
// A case is read-only, and its methods may be called from any goroutine. It is as useful as its source, which
// it neither owns nor closes.
type Case struct {
	Terms      *Terms
	Assignment job.Assignment
	Claim      trace.Claim
	Challenge  *Challenge
	Cost       Cost

	source  Source
	receipt Receipt
	opening *Opening // nil if there is none yet, or if none is needed

	assignmentDigest, claimDigest, receiptDigest, beaconDigest, openingDigest, openedDigest merkle.Hash

	beacon     string         // its chain
	word       Word           // on which the times rest
	ruling     *ruling        // what shows without a replay
	leaves     []merkle.Hash  // root over the leaves of each segment
	boundaries []merkle.Hash  // root of the state before each segment, and of the final one
	places     []slices.Place // of the slices
	walk       *walk.Walk     // nil without an opening
	gauge      *gauge         // of the challenge
	missing    error          // why there is no opening

	reading sync.Mutex // of the base
}

// ruling is a FAIL that needs no replay: of the leaves, or of an opening that is late or does not answer the challenge.
type ruling struct {
	reason Reason
	first  *Difference // nil where no step is to blame
}

// Cost is what a case asks of whoever judges it.
type Cost struct {
	Memory  uint64 // bytes: Terms.MemoryBytes
	State   uint64 // bytes of one state, of which each opened segment has one
	Steps   uint64 // to replay if all begin inside the gate: in the segments that were drawn and those that moved most
	Most    uint64 // segments that are replayed at most, wherever the walk leads
	FLOPs   uint64 // of these steps; the largest number if it is more
	Opened  uint64 // bytes of tensors in these segments
	Packed  uint64 // bytes of all opened files; 0 without an opening
	Answers uint64 // Unix time in seconds until which the worker may answer
}

// OpenCase reads a claim's documents and all of its leaves from a source, and derives the challenge. An error
// means that there is nothing to judge: a document is missing or refused. A claim that is not opened, or whose
// leaves cannot be those of a training run, is a case.
//
// Beside the documents it keeps two hashes and a few numbers for each segment, and it reads leaves and slices one by one.
func OpenCase(ctx context.Context, source Source, operator document.Key) (*Case, error) {
	c, err := openDocuments(ctx, source, operator)
	if err != nil {
		return nil, err
	}
	if err := c.readWork(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// openDocuments reads all but the leaves and the opening, and what shows when the operator gave them.
func openDocuments(ctx context.Context, source Source, operator document.Key) (*Case, error) {
	docs, err := readDocuments(ctx, source)
	if err != nil {
		return nil, err
	}
	c, err := newCase(source, docs, operator)
	if err != nil {
		return nil, err
	}
	return c, c.readDates(ctx, docs)
}

// readDocuments reads the documents that a challenge follows from.
func readDocuments(ctx context.Context, source Source) (docs Documents, err error) {
	for _, d := range []struct {
		name string
		data *[]byte
	}{
		{JobFile, &docs.Job}, {ProgramFile, &docs.Program}, {CurveFile, &docs.Curve}, {AssignmentFile, &docs.Assignment},
		{ClaimFile, &docs.Claim}, {ReceiptFile, &docs.Receipt}, {BeaconFile, &docs.Beacon},
	} {
		if *d.data, err = readDocument(ctx, source, d.name); err != nil {
			return docs, err
		}
	}
	return docs, nil
}

// newCase is the case of documents, by the word of whoever signed them.
func newCase(source Source, docs Documents, operator document.Key) (*Case, error) {
	terms, err := Accept(docs.Job, docs.Program, docs.Curve, operator)
	if err != nil {
		return nil, err
	}
	c := &Case{Terms: terms, source: source}
	if c.Assignment, c.assignmentDigest, err = terms.ReadAssignment(docs.Assignment); err != nil {
		return nil, err
	}
	if c.Claim, c.claimDigest, err = terms.ReadClaim(docs.Claim); err != nil {
		return nil, err
	}
	about := of{&c.Claim, c.claimDigest, &c.Assignment, c.assignmentDigest}
	if c.receipt, c.receiptDigest, err = terms.readReceipt(docs.Receipt, about); err != nil {
		return nil, err
	}
	public, err := document.Decode[beacon.Beacon](BeaconFile, docs.Beacon)
	if err != nil {
		return nil, err
	}
	c.beacon = public.Chain
	if c.beaconDigest, err = document.Digest(document.Kind("beacon"), public); err != nil {
		return nil, err
	}
	if c.Challenge, err = terms.Draw(c.Claim, c.receipt, public); err != nil {
		return nil, err
	}
	if c.places, err = terms.cuts(c.Challenge); err != nil {
		return nil, err
	}
	c.gauge = terms.gauge(c.Challenge)
	c.Cost, err = c.cost(c.Challenge.Segments)
	return c, err
}

// cost adds up what replaying some segments asks for.
func (c *Case) cost(segments []uint64) (Cost, error) {
	cost := Cost{
		Memory: c.Terms.MemoryBytes(), State: uint64(c.Terms.spec.State.Bytes()), Most: c.most(),
		Answers: uint64(c.Terms.Job.Answers(c.receipt.Arrived)),
	}
	for _, segment := range segments {
		_, count := c.Terms.Job.Segment(segment)
		size, err := segmentBytes(c.Terms.segmentInfos(segment))
		if err != nil {
			return cost, err
		}
		cost.Steps += count
		cost.Opened += uint64(size)
	}
	high, low := bits.Mul64(c.Terms.Plan.FLOPs(), cost.Steps)
	if cost.FLOPs = low; high > 0 {
		cost.FLOPs = 1<<64 - 1
	}
	return cost, nil
}

// readWork reads what the worker says of the work: the leaves and, if they hold together and the beacon drew the claim, the
// opening. Nobody asked for the opening of one that was not drawn: whatever lies there says nothing.
func (c *Case) readWork(ctx context.Context) error {
	if err := c.readLeaves(ctx); err != nil || c.ruling != nil || !c.Challenge.Audited {
		return err
	}
	received, err := readDocument(ctx, c.source, OpenedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return c.readEntered(ctx)
	}
	if err != nil {
		return err
	}
	data, err := readDocument(ctx, c.source, OpeningFile)
	if err != nil {
		return err
	}
	return c.readAnswer(ctx, data, received)
}

// readAnswer takes an opening that the operator received.
func (c *Case) readAnswer(ctx context.Context, data, received []byte) error {
	opening, digest, err := c.readOpening(data)
	if err != nil {
		return err
	}
	opened, receipt, err := c.readOpened(received, digest)
	if err != nil {
		return err
	}
	in, err := c.inTime(ctx, received, &opened, digest)
	if err != nil {
		return err
	}
	c.openingDigest, c.openedDigest = digest, receipt
	if !in {
		c.ruling = &ruling{reason: Late}
		return nil
	}
	return c.take(ctx, &opening)
}

// take takes an opening that is in time.
func (c *Case) take(ctx context.Context, opening *Opening) error {
	if c.malformed(opening) {
		c.ruling = &ruling{reason: Malformed}
		return nil
	}
	return c.begin(ctx, opening)
}

// readLeaves reads all leaves once. A file that is not the claimed one is an error; claimed leaves that cannot
// be those of a training run break the case, at the step where it shows.
func (c *Case) readLeaves(ctx context.Context) error {
	j := c.Terms.Job
	file, err := openLimited(ctx, c.source, LeavesFile, trace.LeavesSize(j.Steps))
	if err != nil {
		return err
	}
	defer file.Close()
	leaves, err := trace.NewLeaves(bufio.NewReaderSize(content(file), 1<<16), LeavesFile, j.Steps)
	if err != nil {
		return err
	}
	c.leaves, c.boundaries = make([]merkle.Hash, 0, j.Segments()), make([]merkle.Hash, 0, j.Segments()+1)
	var tree merkle.Builder // over the leaves of a segment
	last := trace.Leaf{Next: j.Init.Root}
	for step := uint64(0); ; step++ {
		l, err := leaves.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if step%(1<<16) == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if c.ruling == nil {
			c.ruling = follows(&last, &l, step, j.Stride)
		}
		if step%j.Stride == 0 {
			c.boundaries = append(c.boundaries, l.State)
		}
		tree.Append(l.Hash())
		if (step+1)%j.Stride == 0 || step+1 == j.Steps {
			c.leaves = append(c.leaves, tree.Root())
			tree.Reset()
		}
		last = l
	}
	c.boundaries = append(c.boundaries, last.Next)
	if got := leaves.Root(); got != c.Claim.Root {
		return fault.New(fault.WrongDigest, LeavesFile, "", "root %v, the claim has %v", got, c.Claim.Root)
	}
	if c.ruling == nil && last.Next != c.Claim.Final {
		c.ruling = breach(WrongFinal, j.Steps-1, j.Stride)
	}
	return nil
}

// follows is what is wrong with the leaf of a step, seen beside the one before it, or nil.
func follows(last, l *trace.Leaf, step, stride uint64) *ruling {
	switch {
	case l.Step != step || !l.Finite():
		return breach(Malformed, step, stride)
	case l.State == last.Next:
		return nil
	case step == 0:
		return breach(WrongInit, step, stride)
	}
	return breach(BrokenChain, step, stride)
}

func breach(reason Reason, step, stride uint64) *ruling {
	return &ruling{reason, &Difference{Segment: step / stride, Step: step}}
}

// segmentLeaves reads the leaves of a segment again.
func (c *Case) segmentLeaves(ctx context.Context, segment uint64) ([]trace.Leaf, error) {
	file, err := openLimited(ctx, c.source, LeavesFile, trace.LeavesSize(c.Terms.Job.Steps))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	first, count := c.Terms.Job.Segment(segment)
	leaves, err := trace.ReadLeaves(file, first, count)
	if err != nil {
		return nil, fault.In(LeavesFile, err)
	}
	var tree merkle.Builder
	for i := range leaves {
		tree.Append(leaves[i].Hash())
	}
	if tree.Root() != c.leaves[segment] {
		return nil, fault.New(fault.Altered, LeavesFile, "", "the leaves of segment %d are not those that were read before", segment)
	}
	return leaves, nil
}

// ID names the case: the root over the digests of job, assignment, claim, receipt and beacon, the claim's root and the
// digests of the opening and of its receipt, which are zero if the operator received none.
func (c *Case) ID() merkle.Hash {
	var tree merkle.Builder
	c.appendEvidence(&tree)
	return tree.Root()
}

// appendEvidence appends what the documents add to the evidence.
func (c *Case) appendEvidence(tree *merkle.Builder) {
	for _, h := range []merkle.Hash{
		c.Terms.Digest, c.assignmentDigest, c.claimDigest, c.receiptDigest, c.beaconDigest, c.Claim.Root,
		c.openingDigest, c.openedDigest,
	} {
		tree.Append(merkle.LeafHash(h[:]))
	}
}

// Arrived is when the claim did, as the receipt says.
func (c *Case) Arrived() time.Time { return time.Unix(c.receipt.Arrived, 0) }

// answers is the last second at which the worker may answer.
func (c *Case) answers() int64 { return int64(c.Cost.Answers) }

// Overdue says that the time in which the worker may answer is over.
func (c *Case) Overdue(now time.Time) bool {
	return !now.IsZero() && now.Unix() > int64(c.Cost.Answers)
}
