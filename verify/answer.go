package verify

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/walk"
)

// Documents are the files that a claim has gathered by the time it is challenged, as their bytes.
type Documents struct {
	Job, Program, Curve, Assignment, Claim, Receipt, Beacon []byte
}

// Response is what a worker answers a challenge with.
type Response struct {
	Terms     *Terms
	Documents Documents
	Trace     *trace.Reader
	Data      *job.Dataset
	Signer    crypto.Signer // the worker's key
	// Device measures the first steps of segments, to know where the walk leads. It runs no others.
	Device engine.Device
	// AsStored opens a trace whose stored states are not those of its leaves. Without it the first such state is an error: a
	// worker whose disk damaged one would fail for it.
	AsStored bool
	// MaxMemory refuses a job whose Terms.MemoryBytes are more; 0 means DefaultMaxMemory.
	MaxMemory uint64
	// Progress, if set, is called after each opened segment.
	Progress func(done, total int)
	// Walked, if set, is told the walk that is opened.
	Walked func(walk.Trail)
}

// Answer meets the challenge that the documents make and writes the bundle to dir, which must not exist. It opens all
// that a verifier will ask for, if the trace is true: the whole walk, and the slices of all boundaries. The bundle
// lacks the operator's word that the opening arrived in time: [ReceiveOpening] gives it. Of a claim that the beacon did not
// draw for audit nothing is opened, and the bundle is whole.
// If it fails it leaves no directory behind.
func Answer(ctx context.Context, r Response, dir string) (err error) {
	if err := r.Terms.CheckMemory(r.MaxMemory); err != nil {
		return err
	}
	claim, digest, err := r.Terms.ReadClaim(r.Documents.Claim)
	if err != nil {
		return err
	}
	assignment, assigned, err := r.Terms.ReadAssignment(r.Documents.Assignment)
	if err != nil {
		return err
	}
	receipt, received, err := r.Terms.readReceipt(r.Documents.Receipt, of{&claim, digest, &assignment, assigned})
	if err != nil {
		return err
	}
	public, err := document.Decode[beacon.Beacon](BeaconFile, r.Documents.Beacon)
	if err != nil {
		return err
	}
	challenge, err := r.Terms.Draw(claim, receipt, public)
	if err != nil {
		return err
	}
	if challenge.Audited && r.Device == nil {
		return errors.New("verify: a device to measure steps on is needed")
	}
	if got := r.Trace.Summary(); got.Root != claim.Root || got.Final != claim.Final {
		return fault.New(fault.WrongClaim, "", "", "the trace is not the one that was claimed")
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	if err := r.writeFiles(dir); err != nil {
		return err
	}
	if !challenge.Audited {
		return nil
	}
	opening := Opening{Version: OpeningVersion, Job: r.Terms.Digest, Claim: digest, Receipt: received, Seed: challenge.Seed}
	opener, err := r.newOpener(ctx, assignment, challenge)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opener.close(ctx)) }()
	ranked, err := opener.slice(ctx, filepath.Join(dir, SlicesFile), challenge, &opening)
	if err != nil {
		return err
	}
	segments, err := opener.walk(ctx, challenge, receipt, ranked)
	if err != nil {
		return err
	}
	for i, segment := range segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		opened, err := opener.writeFile(filepath.Join(dir, segmentFile(segment)), segment)
		if err != nil {
			return fmt.Errorf("opening segment %d: %w", segment, err)
		}
		opening.Segments = append(opening.Segments, opened)
		if r.Progress != nil {
			r.Progress(i+1, len(segments))
		}
	}
	signed, err := document.Sign(openingKind, opening, r.Signer)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, OpeningFile), signed, 0o644)
}

// writeFiles writes all of a bundle but the openings.
func (r *Response) writeFiles(dir string) error {
	for name, data := range map[string][]byte{
		JobFile: r.Documents.Job, ProgramFile: r.Documents.Program, CurveFile: r.Documents.Curve, AssignmentFile: r.Documents.Assignment,
		ClaimFile: r.Documents.Claim, ReceiptFile: r.Documents.Receipt, BeaconFile: r.Documents.Beacon,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(dir, OpeningsDir), 0o755); err != nil {
		return err
	}
	if b := r.Terms.start.Base; b != nil && r.Terms.spec.Frozen != nil {
		if _, _, err := toFile(filepath.Join(dir, BaseFile), b.Write); err != nil {
			return err
		}
	}
	f, err := os.Create(filepath.Join(dir, LeavesFile))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r.Trace.Leaves())
	return errors.Join(err, f.Close())
}
