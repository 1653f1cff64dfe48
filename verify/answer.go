package verify

import (
	"bufio"
	"context"
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/trace"
)

// Documents are the files that a claim has gathered by the time it is challenged, as their bytes.
type Documents struct {
	Job, Program, Assignment, Claim, Receipt, Beacon []byte
}

// Response is what a worker answers a challenge with.
type Response struct {
	Terms     *Terms
	Documents Documents
	Trace     *trace.Reader
	Data      *job.Dataset
	Signer    crypto.Signer // the worker's key
	// MaxMemory refuses a job whose Terms.MemoryBytes are more; 0 means DefaultMaxMemory.
	MaxMemory uint64
	// Progress, if set, is called after each opened segment.
	Progress func(done, total int)
}

// Answer meets the challenge that the documents make and writes the bundle to dir, which must not exist. The bundle
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
	opener := r.newOpener(assignment)
	for i, segment := range challenge.Segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		opened, err := opener.writeFile(filepath.Join(dir, segmentFile(segment)), segment)
		if err != nil {
			return fmt.Errorf("opening segment %d: %w", segment, err)
		}
		opening.Segments = append(opening.Segments, opened)
		if r.Progress != nil {
			r.Progress(i+1, len(challenge.Segments))
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
		JobFile: r.Documents.Job, ProgramFile: r.Documents.Program, AssignmentFile: r.Documents.Assignment,
		ClaimFile: r.Documents.Claim, ReceiptFile: r.Documents.Receipt, BeaconFile: r.Documents.Beacon,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(dir, OpeningsDir), 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, LeavesFile))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r.Trace.Leaves())
	return errors.Join(err, f.Close())
}

// opener writes opened segments.
type opener struct {
	*Response
	order   *job.Order
	tree    *merkle.Tree
	tensors [][]float32
	batch   *batch
	proof   []merkle.Hash
	grads   []merkle.Hash
	next    []merkle.Hash
}

func (r *Response) newOpener(a job.Assignment) *opener {
	t := r.Terms
	o := &opener{
		Response: r,
		order:    t.Job.OrderFor(a),
		tree:     r.Data.Tree(),
		batch:    t.newBatch(newRows(t.Plan.X()), newRows(t.Plan.Y())),
		grads:    make([]merkle.Hash, len(t.spec.Gradient.Tensors())),
		next:     make([]merkle.Hash, len(t.spec.State.Tensors())),
	}
	for _, spec := range t.spec.State.Tensors() {
		o.tensors = append(o.tensors, make([]float32, spec.Len()))
	}
	return o
}

func newRows(spec program.TensorSpec) kernels.Buf {
	if spec.Kind == kernels.I32 {
		return kernels.Buf{I: make([]int32, spec.Len())}
	}
	return kernels.Buf{F: make([]float32, spec.Len())}
}

func (o *opener) writeFile(path string, segment uint64) (OpenedSegment, error) {
	f, err := os.Create(path)
	if err != nil {
		return OpenedSegment{}, err
	}
	defer f.Close()
	sha := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(f, sha), 1<<16)
	packed, err := safetensors.Compress(buffered)
	if err != nil {
		return OpenedSegment{}, err
	}
	if err := o.write(packed, segment); err != nil {
		return OpenedSegment{}, err
	}
	if err := errors.Join(packed.Close(), buffered.Flush()); err != nil {
		return OpenedSegment{}, err
	}
	size, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return OpenedSegment{}, err
	}
	return OpenedSegment{Segment: segment, Size: size, Digest: merkle.Hash(sha.Sum(nil))}, f.Close()
}

func (o *opener) write(to io.Writer, segment uint64) error {
	w, err := safetensors.NewWriter(to, nil, o.Terms.segmentInfos(segment))
	if err != nil {
		return err
	}
	if _, err := o.Trace.Snapshot(segment, o.tensors); err != nil {
		return err
	}
	for _, x := range o.tensors {
		if err := w.F32(x); err != nil {
			return err
		}
	}
	first, count := o.Terms.Job.Segment(segment)
	for t := first; t < first+count; t++ {
		if err := o.fill(t); err != nil {
			return err
		}
		if err := o.batch.write(w); err != nil {
			return err
		}
	}
	return w.Close()
}

// fill puts step t into the batch.
func (o *opener) fill(t uint64) error {
	b := o.batch
	if err := o.order.Fill(t, b.ids); err != nil {
		return err
	}
	if err := o.Data.Fill(b.x, b.y, b.ids); err != nil {
		return err
	}
	width := merkle.MaxProof(o.Terms.Job.Data.Samples) * merkle.Size
	clear(b.proofs)
	for i, id := range b.ids {
		var err error
		if o.proof, err = o.tree.AppendProof(o.proof[:0], uint64(id)); err != nil {
			return err
		}
		flatten(b.proofs[i*width:(i+1)*width], o.proof)
	}
	if err := o.Trace.Digests(t, o.grads, o.next); err != nil {
		return err
	}
	flatten(b.gradients, o.grads)
	flatten(b.next, o.next)
	return nil
}
