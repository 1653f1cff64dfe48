package pool

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/trace"
)

// ProofSuffix is what the file of a log proof (c2sp.org/tlog-proof) adds to the name of the file that it is of.
const ProofSuffix = ".tlog-proof"

// Word is whose word the time of a receipt rests on.
type Word string

// The words.
const (
	OperatorsWord Word = "operator"  // the job has no log, or one without witnesses: the operator is believed about time
	WitnessesWord Word = "witnesses" // as many as the job asks for saw the receipt before the beacon's round
)

// dated demands what the job asks for as evidence of when a claim had its receipt: that it is in the job's log, and that
// the log's witnesses saw it there before the beacon's round. It says whose word the time rests on.
//
// What is missing or wrong is an error: it cannot make a claim fail.
func dated(ctx context.Context, bundle verify.Source, c *verify.Case) (Word, error) {
	l := c.Terms.Job.Log
	if l == nil {
		return OperatorsWord, nil
	}
	policy, err := policyOf(l)
	if err != nil {
		return "", fault.New(fault.BadTerms, verify.JobFile, "log", "%w", err)
	}
	receipt, err := readSource(ctx, bundle, verify.ReceiptFile, document.MaxSize)
	if err != nil {
		return "", err
	}
	_, digest, err := document.Read[verify.Receipt](verify.ReceiptFile, receipt, receiptKind, c.Terms.Job.Operator)
	if err != nil {
		return "", err
	}
	if digest != c.ReceiptDigest() {
		return "", fault.New(fault.Altered, verify.ReceiptFile, "", "it was another one when it was read before")
	}
	proof, err := readSource(ctx, bundle, verify.ReceiptProofFile, translog.MaxProofSize)
	if err != nil {
		return "", err
	}
	if len(l.Witnesses) == 0 {
		_, err = policy.Verify(proof, receipt)
		return OperatorsWord, wrongProof(verify.ReceiptProofFile, err)
	}
	_, due := c.Terms.Job.Round(c.Arrived().Unix())
	_, err = policy.VerifyBefore(proof, receipt, due)
	return WitnessesWord, wrongProof(verify.ReceiptProofFile, err)
}

// wrongProof is the refusal of a log proof.
func wrongProof(file string, err error) error {
	if err == nil {
		return nil
	}
	return fault.New(fault.BadSignature, file, "", "%w", err)
}

// OpeningEntry is the entry of a log that says which opening was there: the digest of the opening's document, whose
// signed files' hashes are in it. Whoever enters it before the deadline has answered in time.
func OpeningEntry(opening merkle.Hash) []byte {
	return fmt.Appendf(nil, "verifyd-opening/1\n%v\n", opening)
}

// EntryOf is the entry for an opening that a claim's worker signed.
func EntryOf(opening, claim []byte) ([]byte, error) {
	c, _, err := trace.ReadClaim(verify.ClaimFile, claim)
	if err != nil {
		return nil, err
	}
	_, digest, err := document.Read[verify.Opening](verify.OpeningFile, opening, openingKind, c.Worker)
	return OpeningEntry(digest), err
}

// entered says whether a bundle's opening, for which the operator gave no receipt, is there whole and was in a log
// before the deadline nevertheless, whoever entered it, which only the job's witnesses can show. Whatever is wrong with
// it means that it was not: a worker cannot put off the end of its silence with a file that is none.
func entered(ctx context.Context, bundle verify.Source, c *verify.Case) (bool, error) {
	l := c.Terms.Job.Log
	if l == nil || len(l.Witnesses) == 0 {
		return false, nil
	}
	policy, err := policyOf(l)
	if err != nil {
		return false, fault.New(fault.BadTerms, verify.JobFile, "log", "%w", err)
	}
	proof, err := readSource(ctx, bundle, verify.OpeningProofFile, translog.MaxProofSize)
	if err != nil {
		return false, ofMachine(err)
	}
	opening, err := c.WholeOpening(ctx)
	if err != nil {
		return false, ofMachine(err)
	}
	_, err = policy.WitnessedBefore(proof, OpeningEntry(opening), int64(c.Cost.Answers)+1)
	return err == nil, nil
}

// ofMachine is err if it says nothing about the bundle: this machine failed, or the work was called off.
func ofMachine(err error) error {
	if side := fault.Of(err).Blames(); side == fault.Machine || side == fault.Nobody {
		return err
	}
	return nil
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
