package slices

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

// Reader reads the slices that a [Writer] wrote, and believes none that does not open to a state's root. It holds one
// boundary's.
type Reader struct {
	in     io.Reader
	file   string
	layout *state.Layout
	cuts   []geometry
	buf    []byte
	values [][]float32
	proof  []merkle.Hash
	at     uint64 // boundary
}

// NewReader begins to read a file. Errors begin with its name.
func NewReader(r io.Reader, file string, l *state.Layout, places []Place) (*Reader, error) {
	s := &Reader{in: r, file: file, layout: l}
	head := make([]byte, len(magic))
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fault.In(file, fault.Truncated(err))
	}
	if string(head) != magic {
		return nil, fault.New(fault.BadForm, file, "", "begins with %q, %q is needed", head, magic)
	}
	for _, p := range places {
		g := geometryOf(l, p)
		s.cuts = append(s.cuts, g)
		s.buf = append(s.buf, make([]byte, max(0, g.size()-len(s.buf)))...)
		s.values = append(s.values, make([]float32, g.bytes/4))
	}
	return s, nil
}

// Next reads the slices of the next boundary, whose state has this root, and returns their numbers in the order of
// places. They are valid until the next call.
func (r *Reader) Next(root merkle.Hash) ([][]float32, error) {
	for i := range r.cuts {
		g := &r.cuts[i]
		buf := r.buf[:g.size()]
		if _, err := io.ReadFull(r.in, buf); err != nil {
			return nil, fault.In(r.file, fault.Under(r.field(g), fault.Truncated(err)))
		}
		if err := r.opens(g, buf, root); err != nil {
			return nil, fault.In(r.file, fault.Under(r.field(g), err))
		}
		for k := range r.values[i] {
			r.values[i][k] = math.Float32frombits(binary.LittleEndian.Uint32(buf[4*k:]))
		}
	}
	r.at++
	return r.values, nil
}

// Close refuses a file that goes on behind its last boundary.
func (r *Reader) Close() error {
	switch _, err := io.ReadFull(r.in, r.buf[:1]); err {
	case io.EOF:
		return nil
	case nil:
		return fault.New(fault.BadLength, r.file, "", "goes on behind boundary %d, the last one", r.at-1)
	default:
		return fault.In(r.file, err)
	}
}

func (r *Reader) field(g *geometry) string {
	return fmt.Sprintf("boundary %d: tensor %q", r.at, r.layout.Tensors()[g.tensor].Name)
}

// opens refuses a record that does not lead to the state's root.
func (r *Reader) opens(g *geometry, record []byte, root merkle.Hash) error {
	inPiece, inTensor, _ := g.nodes()
	content, rest := record[:g.bytes], record[g.bytes:]
	hash := pieceHash(content, g.chunk, g.chunks, rest[:inPiece*merkle.Size])
	rest = rest[inPiece*merkle.Size:]
	digest := merkle.RootFrom(merkle.LeafHash(hash[:]), g.piece, g.pieces, r.hashes(rest[:inTensor*merkle.Size]))
	return merkle.Verify(root, g.leaves, g.leaf, r.layout.Leaf(g.tensor, digest), r.hashes(rest[inTensor*merkle.Size:]))
}

// hashes views bytes as hashes, until the next call.
func (r *Reader) hashes(b []byte) []merkle.Hash {
	r.proof = r.proof[:0]
	for ; len(b) > 0; b = b[merkle.Size:] {
		r.proof = append(r.proof, merkle.Hash(b))
	}
	return r.proof
}
