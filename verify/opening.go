package verify

import (
	"fmt"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/walk"
)

// OpeningVersion is the only version of openings that this version of verifyd knows.
const OpeningVersion = "verifyd-opening/1"

const openingKind = document.Kind("opening")

// Opening is the worker's signed list of the files that answer a challenge. Because it is signed, a file
// that was damaged on its way is told apart from one that the worker made wrong.
type Opening struct {
	Version  string          `json:"version"`
	Job      merkle.Hash     `json:"job"`
	Claim    merkle.Hash     `json:"claim"`
	Receipt  merkle.Hash     `json:"receipt"` // whose challenge is answered
	Seed     merkle.Hash     `json:"seed"`    // of the challenge
	Slices   OpenedSlices    `json:"slices"`
	Segments []OpenedSegment `json:"segments"` // ascending
}

// OpenedSlices is the file of the slices.
type OpenedSlices struct {
	Size   int64       `json:"size"`   // bytes
	Digest merkle.Hash `json:"digest"` // SHA-256 of the file
}

// OpenedSegment is one file under openings/.
type OpenedSegment struct {
	Segment uint64      `json:"segment"`
	Size    int64       `json:"size"`   // bytes
	Digest  merkle.Hash `json:"digest"` // SHA-256 of the file
}

// segmentPattern is the path of an opened segment in a bundle.
const segmentPattern = OpeningsDir + "/segment-%08d.safetensors.zst"

func segmentFile(segment uint64) string { return fmt.Sprintf(segmentPattern, segment) }

// readOpening reads an opening and checks that it is the worker's answer to the receipt of this case. Another one may
// have been put in its place; whether this one is in order, malformed says.
func (c *Case) readOpening(data []byte) (Opening, merkle.Hash, error) {
	o, digest, err := document.Read[Opening](OpeningFile, data, openingKind, c.Claim.Worker)
	if err != nil {
		return o, digest, err
	}
	switch {
	case o.Version != OpeningVersion:
		err = fault.New(fault.UnknownVersion, OpeningFile, "version", "%.60q, %q is needed", o.Version, OpeningVersion)
	case o.Job != c.Terms.Digest:
		err = fault.New(fault.WrongJob, OpeningFile, "job", "%v, the job is %v", o.Job, c.Terms.Digest)
	case o.Claim != c.claimDigest:
		err = fault.New(fault.WrongClaim, OpeningFile, "claim", "%v, the claim is %v", o.Claim, c.claimDigest)
	case o.Receipt != c.receiptDigest:
		err = fault.New(fault.WrongChallenge, OpeningFile, "receipt", "%v, the receipt is %v", o.Receipt, c.receiptDigest)
	}
	return o, digest, err
}

// malformed says that an opening to this receipt does not answer its challenge, which follows from the receipt: it has
// another seed, leaves out a segment that was drawn, has more than a walk can need, not in order or none of the job's, or
// files of sizes that they cannot have.
func (c *Case) malformed(o *Opening) bool {
	n := c.Terms.Job.Segments()
	if o.Seed != c.Challenge.Seed || o.Slices.Size != c.Terms.sizeOf(c.places) || uint64(len(o.Segments)) > c.most() {
		return true
	}
	drawn := c.Challenge.Segments
	for i, s := range o.Segments {
		if s.Segment >= n || i > 0 && s.Segment <= o.Segments[i-1].Segment {
			return true
		}
		if len(drawn) > 0 && s.Segment == drawn[0] {
			drawn = drawn[1:]
		}
		bytes, err := segmentBytes(c.Terms.segmentInfos(s.Segment))
		if err != nil || s.Size < 0 || s.Size > packedLimit(bytes) {
			return true
		}
	}
	return len(drawn) > 0
}

// most is how many segments a worker may open, and the most that are replayed.
func (c *Case) most() uint64 {
	n := c.Terms.Job.Segments()
	return walk.Most(n, min(uint64(c.receipt.Sampled), n), uint64(len(c.Challenge.Segments)))
}

// segmentInfos lists the tensors of an opened segment: the state before its first step, then for each
// step the sample ids, the rows, the rows' inclusion proofs and the digests.
func (t *Terms) segmentInfos(segment uint64) []safetensors.Info {
	infos := state.Infos("state/", t.spec.State.Tensors())
	_, count := t.Job.Segment(segment)
	for k := range count {
		prefix := fmt.Sprintf("step/%04d/", k)
		infos = append(infos,
			safetensors.Info{Name: prefix + "ids", DType: safetensors.I64, Shape: []int{t.rows}})
		infos = append(infos, t.Job.Data.Infos(prefix, t.rows)...)
		if depth := merkle.MaxProof(t.Job.Data.Samples); depth > 0 {
			infos = append(infos, safetensors.Info{Name: prefix + "proofs", DType: safetensors.U8, Shape: []int{t.rows, depth, merkle.Size}})
		}
		infos = append(infos,
			safetensors.Info{Name: prefix + "gradients", DType: safetensors.U8, Shape: []int{len(t.spec.Gradient.Tensors()), merkle.Size}},
			safetensors.Info{Name: prefix + "next", DType: safetensors.U8, Shape: []int{t.spec.State.Digests(), merkle.Size}})
	}
	return infos
}

// segmentBytes is the size of the tensors of an opened segment.
func segmentBytes(infos []safetensors.Info) (int64, error) {
	var total int64
	for _, info := range infos {
		n, err := info.Elements()
		if err != nil {
			return 0, fmt.Errorf("opening: tensor %q: %w", info.Name, err)
		}
		total += int64(n) * info.DType.Size()
	}
	return total, nil
}

// packedLimit bounds a compressed file: what zstd needs for content that does not compress.
func packedLimit(bytes int64) int64 {
	unpacked := unpackedLimit(bytes)
	return unpacked + unpacked/64 + 64<<10
}

// unpackedLimit bounds a safetensors file whose tensors have so many bytes.
func unpackedLimit(bytes int64) int64 { return bytes + 8 + safetensors.MaxHeader }

// flatten and spread turn digests into bytes and back.
func flatten(dst []byte, hashes []merkle.Hash) {
	for i := range hashes {
		copy(dst[i*merkle.Size:], hashes[i][:])
	}
}

func spread(hashes []merkle.Hash, src []byte) {
	for i := range hashes {
		hashes[i] = merkle.Hash(src[i*merkle.Size:])
	}
}

// batch is the memory of one step's samples as an opening holds them.
type batch struct {
	ids       []int64
	samples   [][]byte // as they are stored: job.Layout.Batch
	proofs    []byte
	gradients []byte
	next      []byte
}

// newBatch allocates a batch around memory for the samples.
func (t *Terms) newBatch(samples [][]byte) *batch {
	return &batch{
		ids: make([]int64, t.rows), samples: samples,
		proofs:    make([]byte, t.rows*merkle.MaxProof(t.Job.Data.Samples)*merkle.Size),
		gradients: make([]byte, len(t.spec.Gradient.Tensors())*merkle.Size),
		next:      make([]byte, t.spec.State.Digests()*merkle.Size),
	}
}

// read reads the next step of an opened segment.
func (b *batch) read(r *safetensors.Reader) error {
	if err := r.I64(b.ids); err != nil {
		return err
	}
	for _, stored := range b.samples {
		if err := r.Bytes(stored); err != nil {
			return err
		}
	}
	if len(b.proofs) > 0 {
		if err := r.U8(b.proofs); err != nil {
			return err
		}
	}
	if err := r.U8(b.gradients); err != nil {
		return err
	}
	return r.U8(b.next)
}

// write is the inverse of read.
func (b *batch) write(w *safetensors.Writer) error {
	if err := w.I64(b.ids); err != nil {
		return err
	}
	for _, stored := range b.samples {
		if err := w.Bytes(stored); err != nil {
			return err
		}
	}
	if len(b.proofs) > 0 {
		if err := w.U8(b.proofs); err != nil {
			return err
		}
	}
	if err := w.U8(b.gradients); err != nil {
		return err
	}
	return w.U8(b.next)
}
