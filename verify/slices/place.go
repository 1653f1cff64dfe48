package slices

import (
	"slices"

	"github.com/verifyd/verifyd/verify/draw"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

// Sizes of content in bytes.
const (
	chunkBytes = 1 << 10 // a slice, and BLAKE3's unit
	pieceBytes = 1 << 20 // what a tensor's digest has a leaf for
)

// Place is where a tensor is cut.
type Place struct {
	Tensor int    // in the state's order
	Chunk  uint64 // of its content, from 0
}

// Draw draws the places for a state's tensors, ascending: a chunk of each, as long as the slices of all boundaries take at
// most limit bytes, and one at least. Which tensors are left out is drawn too.
func Draw(seed merkle.Hash, l *state.Layout, boundaries uint64, limit uint64) []Place {
	words := draw.New(seed)
	places := make([]Place, len(l.Tensors()))
	for i := range places {
		bytes := contentBytes(l, i)
		places[i] = Place{i, words.Below((bytes + chunkBytes - 1) / chunkBytes)}
	}
	var total uint64
	for i := range places { // a shuffle (Fisher and Yates) that ends where the limit is reached
		j := i + int(words.Below(uint64(len(places)-i)))
		places[i], places[j] = places[j], places[i]
		g := geometryOf(l, places[i])
		total += uint64(g.size()) * boundaries
		if i > 0 && total > limit {
			places = places[:i]
			break
		}
	}
	slices.SortFunc(places, func(a, b Place) int { return a.Tensor - b.Tensor })
	return places
}

// contentBytes is the size of a tensor.
func contentBytes(l *state.Layout, tensor int) uint64 { return 4 * uint64(l.Tensors()[tensor].Len()) }

// geometry is the position of a place in the trees above it.
type geometry struct {
	tensor        int
	first, bytes  uint64 // of the slice in the tensor's content
	chunk, chunks uint64 // of its piece
	piece, pieces uint64 // of its tensor
	leaf, leaves  uint64 // of the state's tree, whose leaf 0 is the header
}

func geometryOf(l *state.Layout, p Place) geometry {
	content := contentBytes(l, p.Tensor)
	g := geometry{
		tensor: p.Tensor, first: p.Chunk * chunkBytes,
		chunk: p.Chunk % (pieceBytes / chunkBytes), piece: p.Chunk / (pieceBytes / chunkBytes),
		pieces: (content + pieceBytes - 1) / pieceBytes,
		leaf:   1 + uint64(p.Tensor), leaves: 1 + uint64(l.Digests()),
	}
	g.bytes = min(chunkBytes, content-g.first)
	inPiece := min(pieceBytes, content-g.piece*pieceBytes)
	g.chunks = (inPiece + chunkBytes - 1) / chunkBytes
	return g
}

// nodes is how many hashes lead from the slice to the state's root: BLAKE3's tree has the shape of RFC 6962's.
func (g *geometry) nodes() (chunk, piece, leaf int) {
	return merkle.ProofLen(g.chunk, g.chunks), merkle.ProofLen(g.piece, g.pieces), merkle.ProofLen(g.leaf, g.leaves)
}

// size is the number of bytes of a slice with what binds it.
func (g *geometry) size() int {
	a, b, c := g.nodes()
	return int(g.bytes) + merkle.Size*(a+b+c)
}

// magic begins the file.
const magic = "VFDSLIC1"

// Size is the size of a file with the slices of all boundaries at places.
func Size(l *state.Layout, places []Place, boundaries uint64) uint64 {
	size := 0
	for _, p := range places {
		g := geometryOf(l, p)
		size += g.size()
	}
	return uint64(len(magic)) + boundaries*uint64(size)
}
