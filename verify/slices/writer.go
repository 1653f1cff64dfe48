package slices

import (
	"encoding/binary"
	"io"
	"math"

	"github.com/zeebo/blake3"

	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

// Writer writes the slices of all boundaries, one after another. It holds one tensor's content.
type Writer struct {
	out     io.Writer
	layout  *state.Layout
	places  []Place
	content []byte
	record  []byte
}

// NewWriter begins a file of the slices at places.
func NewWriter(w io.Writer, l *state.Layout, places []Place) (*Writer, error) {
	if _, err := io.WriteString(w, magic); err != nil {
		return nil, err
	}
	return &Writer{out: w, layout: l, places: places}, nil
}

// Boundary writes the slices of the next boundary, at which the state has these counters and tensors; digests are the
// tensors' digests.
func (w *Writer) Boundary(c state.Counters, digests []merkle.Hash, tensors [][]float32) error {
	tree := merkle.NewTree(w.layout.Leaves(c, digests))
	w.record = w.record[:0]
	for _, p := range w.places {
		if err := w.cut(geometryOf(w.layout, p), tensors[p.Tensor]); err != nil {
			return err
		}
		if err := w.appendProof(tree, 1+uint64(p.Tensor)); err != nil {
			return err
		}
	}
	_, err := w.out.Write(w.record)
	return err
}

// cut appends a tensor's slice and what leads to the tensor's digest.
func (w *Writer) cut(g geometry, tensor []float32) error {
	w.content = canonical(w.content[:0], tensor)
	w.record = append(w.record, w.content[g.first:g.first+g.bytes]...)
	leaves := make([]merkle.Hash, 0, g.pieces)
	for i := range g.pieces {
		piece := w.content[i*pieceBytes : min((i+1)*pieceBytes, uint64(len(w.content)))]
		if i == g.piece {
			w.record = appendPath(w.record, piece, g.chunk)
		}
		if g.pieces > 1 {
			sum := blake3.Sum256(piece)
			leaves = append(leaves, merkle.LeafHash(sum[:]))
		}
	}
	if g.pieces == 1 {
		return nil
	}
	return w.appendProof(merkle.NewTree(leaves), g.piece)
}

func (w *Writer) appendProof(tree *merkle.Tree, leaf uint64) error {
	proof, err := tree.AppendProof(nil, leaf)
	for _, h := range proof {
		w.record = append(w.record, h[:]...)
	}
	return err
}

// canonicalNaN stands for every NaN in what is hashed.
const canonicalNaN = 0x7fc00000

// canonical appends a tensor's content as its digest covers it.
func canonical(dst []byte, x []float32) []byte {
	for _, v := range x {
		word := math.Float32bits(v)
		if v != v {
			word = canonicalNaN
		}
		dst = binary.LittleEndian.AppendUint32(dst, word)
	}
	return dst
}
