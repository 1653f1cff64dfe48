package verify

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/draw"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

// Imprint is what running a segment left with one verifier: a hash over the verifier's key id, the claim, the
// segment and blocks of tensors that the segment's last step computes on its way. Which blocks, the beacon decides,
// for each verifier anew. No document holds these tensors, and whoever knows neither them nor all the steps before
// cannot make one; a worker or another verifier who hands them over can help.
//
// Of a segment with a mismatch it is over the hash of the leaf that the replay computed instead. There is none if
// the documents alone show the mismatch, so that no step was run.
type Imprint struct {
	Segment uint64      `json:"segment"`
	Hash    merkle.Hash `json:"hash"`
}

const imprintLabel = "verifyd-imprint/1"

// What is drawn: so many outputs, or all if there are fewer, and a block of so many words of each.
const (
	imprintOutputs = 4
	imprintWords   = 256
)

// What an imprint is over.
const (
	overBlocks = 0
	overLeaf   = 1
)

// imprinter makes the imprints of one verifier on one case.
type imprinter struct {
	verifier, claim merkle.Hash
	blocks          []program.Block
	message         []byte
}

// imprinter draws the blocks. It is nil without a verifier.
func (c *Case) imprinter(verifier merkle.Hash) (*imprinter, error) {
	if verifier == (merkle.Hash{}) {
		return nil, nil
	}
	info := imprintLabel + string(verifier[:])
	seed, err := hkdf.Key(sha256.New, c.Challenge.Randomness[:], c.claimDigest[:], info, 2*merkle.Size)
	if err != nil {
		return nil, fmt.Errorf("imprint: %w", err)
	}
	p := &imprinter{verifier: verifier, claim: c.claimDigest}
	outputs := c.Terms.Plan.Outputs()
	places := draw.New(merkle.Hash(seed[merkle.Size:]))
	n := uint64(len(outputs))
	for _, i := range draw.New(merkle.Hash(seed[:merkle.Size])).Sample(n, min(imprintOutputs, n)) {
		o := outputs[i]
		at := imprintWords * int(places.Below(uint64(o.Len+imprintWords-1)/imprintWords))
		p.blocks = append(p.blocks, program.Block{Call: o.Call, Operand: o.Operand, First: at, Words: min(imprintWords, o.Len-at)})
	}
	return p, nil
}

// ofBlocks is the imprint of a segment whose last step computed words.
func (p *imprinter) ofBlocks(segment uint64, words []uint32) merkle.Hash {
	p.begin(segment, overBlocks)
	for _, w := range words {
		p.message = binary.LittleEndian.AppendUint32(p.message, w)
	}
	return sha256.Sum256(p.message)
}

// ofMismatch is the imprint of a segment with a mismatch; zero if no step was run to find it.
func (p *imprinter) ofMismatch(m *Mismatch) merkle.Hash {
	if m.Found == (merkle.Hash{}) {
		return merkle.Hash{}
	}
	p.begin(m.Segment, overLeaf)
	return sha256.Sum256(append(p.message, m.Found[:]...))
}

func (p *imprinter) begin(segment uint64, over byte) {
	p.message = append(append(append(p.message[:0], imprintLabel...), p.verifier[:]...), p.claim[:]...)
	p.message = append(binary.LittleEndian.AppendUint64(p.message, segment), over)
}

// imprinted refuses a result whose imprint cannot be one.
func (c *Case) imprinted(r *Result) error {
	none := r.Imprint == (merkle.Hash{})
	switch {
	case r.Verifier == (merkle.Hash{}):
		if !none {
			return wrongImprint("imprint", "of no verifier")
		}
	case r.Mismatch == nil:
		if none {
			return wrongImprint("imprint", "missing, the verifier is %v", r.Verifier)
		}
	default:
		p := &imprinter{verifier: r.Verifier, claim: c.claimDigest}
		if want := p.ofMismatch(r.Mismatch); r.Imprint != want {
			return wrongImprint("imprint", "%v, the mismatch has %v", r.Imprint, want)
		}
	}
	return nil
}

func wrongImprint(field, format string, args ...any) error {
	return fault.New(fault.WrongImprint, "", field, format, args...)
}

// imprintedBy refuses a verdict that does not hold an imprint of the verifier of each segment that its finding
// rests on. Whether the imprints are true, [Case.CheckImprint] says.
func (v *Verdict) imprintedBy(verifier merkle.Hash) error {
	must, may := v.Finding.rests()
	var have []uint64
	for _, p := range v.Imprints {
		have = append(have, p.Segment)
	}
	switch {
	case v.Finding.Outcome == Pass && len(must) == 0:
		return wrongImprint("imprints", "none, and a PASS rests on replays")
	case len(have) > 0 && v.Verifier != verifier, len(must) > 0 && v.Verifier != verifier:
		return wrongImprint("verifier", "%v, the key's id is %v", v.Verifier, verifier)
	case !slices.Equal(have, must) && !slices.Equal(have, may):
		return wrongImprint("imprints", "of segments %d, the finding rests on %d", have, must)
	}
	return nil
}

// CheckImprint replays a case as the verifier did who signed v, and refuses a verdict with another finding or with
// imprints that are not this verifier's: one that was written from the documents alone, or copied. It costs as much
// as judging.
func (c *Case) CheckImprint(ctx context.Context, v *Verdict, verifier document.Key, o Options) error {
	if err := c.Check(v); err != nil {
		return err
	}
	if err := v.imprintedBy(verifier.ID()); err != nil {
		return fault.In("verdict", err)
	}
	o.Verifier = verifier.ID()
	again, err := c.Judge(ctx, o)
	if err != nil {
		return err
	}
	return v.sameImprints(again)
}

// sameImprints refuses a verdict that departs from what replaying again gave.
func (v *Verdict) sameImprints(again *Verdict) error {
	if v.Evidence != again.Evidence {
		return fault.New(fault.WrongImprint, "verdict", "finding", "%s for %s, a replay gives %s for %s",
			v.Finding.Outcome, v.Finding.Reason, again.Finding.Outcome, again.Finding.Reason)
	}
	if len(v.Imprints) != len(again.Imprints) {
		return fault.New(fault.WrongImprint, "verdict", "imprints", "%d, a replay leaves %d", len(v.Imprints), len(again.Imprints))
	}
	for i, p := range v.Imprints {
		if p != again.Imprints[i] {
			return fault.New(fault.WrongImprint, "verdict", fmt.Sprintf("imprint of segment %d", p.Segment),
				"%v, a replay leaves %v: whoever signed it did not run the segment", p.Hash, again.Imprints[i].Hash)
		}
	}
	return nil
}
