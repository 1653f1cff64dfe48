package verify

import (
	"context"
	"crypto"
	"crypto/sha256"
	"io"
	"time"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// OpenedVersion is the only version of receipts for openings that this version of verifyd knows.
const OpenedVersion = "verifyd-opened/1"

const openedKind = document.Kind("opened")

// Opened is the operator's receipt for an opening: all of its files were there at a time. From then on they are the
// keepers' to lose, and the worker never fails for it.
type Opened struct {
	Version string      `json:"version"`
	Job     merkle.Hash `json:"job"`
	Claim   merkle.Hash `json:"claim"`
	Receipt merkle.Hash `json:"receipt"` // for the claim
	Opening merkle.Hash `json:"opening"`
	Arrived int64       `json:"arrived"` // Unix time in seconds, not before the opening arrived
}

// ReceiveOpening checks that an opening has arrived whole, that is signed by the worker, to this claim and receipt, and
// with every file that it names, and returns the operator's receipt for it. What the files hold is for the verifier to
// judge: a false opening gets its receipt, and fails for it.
func ReceiveOpening(ctx context.Context, source Source, at time.Time, operator crypto.Signer) ([]byte, error) {
	key, err := document.NewKey(operator.Public())
	if err != nil {
		return nil, err
	}
	docs, err := readDocuments(ctx, source)
	if err != nil {
		return nil, err
	}
	c, err := newCase(source, docs, key) // what the operator gave, it knows without a log
	if err != nil {
		return nil, err
	}
	if !c.Challenge.Audited {
		return nil, fault.New(fault.WrongChallenge, OpeningFile, "", "the beacon did not draw the claim for audit: nobody asks for an opening")
	}
	data, err := readDocument(ctx, source, OpeningFile)
	if err != nil {
		return nil, err
	}
	opening, digest, err := c.readOpening(data)
	if err != nil {
		return nil, err
	}
	if err := c.checkSegments(ctx, &opening); err != nil {
		return nil, err
	}
	return document.Sign(openedKind, Opened{
		Version: OpenedVersion, Job: c.Terms.Digest, Claim: c.claimDigest, Receipt: c.receiptDigest,
		Opening: digest, Arrived: notBefore(at),
	}, operator)
}

// checkSegments reads all files that an opening names, unless it does not answer the challenge.
func (c *Case) checkSegments(ctx context.Context, o *Opening) error {
	if c.malformed(o) {
		return nil
	}
	if err := c.checkSlices(ctx, o); err != nil {
		return err
	}
	for _, s := range o.Segments {
		if err := c.checkSegment(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// checkSegment reads the file of an opened segment and refuses it unless it is the one that the worker signed for.
func (c *Case) checkSegment(ctx context.Context, s OpenedSegment) error {
	name := segmentFile(s.Segment)
	file, err := c.openSized(ctx, s)
	if err != nil {
		return err
	}
	defer file.Close()
	return signedFor(name, content(file), s.Digest)
}

// checkSlices does the same for the slices.
func (c *Case) checkSlices(ctx context.Context, o *Opening) error {
	file, err := c.openSlices(ctx, o)
	if err != nil {
		return err
	}
	defer file.Close()
	return signedFor(SlicesFile, content(file), o.Slices.Digest)
}

// signedFor refuses a file whose digest is not the one that the worker signed.
func signedFor(name string, in io.Reader, digest merkle.Hash) error {
	sha := sha256.New()
	if _, err := io.Copy(sha, in); err != nil {
		return fault.In(name, fault.Truncated(err))
	}
	if got := merkle.Hash(sha.Sum(nil)); got != digest {
		return fault.New(fault.WrongDigest, name, "", "SHA-256 %v, %s has %v", got, OpeningFile, digest)
	}
	return nil
}

// readOpened reads the receipt of an opening and checks it against the case and the opening.
func (c *Case) readOpened(data []byte, opening merkle.Hash) (Opened, merkle.Hash, error) {
	o, digest, err := document.Read[Opened](OpenedFile, data, openedKind, c.Terms.Job.Operator)
	if err != nil {
		return o, digest, err
	}
	switch {
	case o.Version != OpenedVersion:
		err = fault.New(fault.UnknownVersion, OpenedFile, "version", "%.60q, %q is needed", o.Version, OpenedVersion)
	case o.Job != c.Terms.Digest:
		err = fault.New(fault.WrongJob, OpenedFile, "job", "%v, the job is %v", o.Job, c.Terms.Digest)
	case o.Claim != c.claimDigest:
		err = fault.New(fault.WrongClaim, OpenedFile, "claim", "%v, the claim is %v", o.Claim, c.claimDigest)
	case o.Receipt != c.receiptDigest:
		err = fault.New(fault.WrongClaim, OpenedFile, "receipt", "%v, the receipt is %v", o.Receipt, c.receiptDigest)
	case o.Opening != opening:
		err = fault.New(fault.WrongDigest, OpenedFile, "opening", "%v, %s is %v", o.Opening, OpeningFile, opening)
	case o.Arrived < c.receipt.Arrived || o.Arrived > job.LastSecond:
		err = fault.New(fault.BadTerms, OpenedFile, "arrived", "%d is outside %d, when the claim arrived, to %d", o.Arrived, c.receipt.Arrived, int64(job.LastSecond))
	}
	return o, digest, err
}
