package engine

import (
	"encoding/binary"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

// digester has tensors hashed on an accelerator, piece by piece, and puts the digests of the pieces
// together as package state does.
type digester struct {
	ends    []int         // pieces up to the end of each tensor
	digests []merkle.Hash // of the layout

	pieces []kernels.Range
	table  kernels.Range // that describes the pieces to the kernel
	sums   kernels.Range // 8 words a piece: its BLAKE3
	odd    kernels.Range // a word a piece: whether it has a NaN or an infinity
}

func newDigester(layout *state.Layout) *digester {
	d := &digester{}
	end := 0
	for _, t := range layout.Tensors() {
		end += (t.Len() + launch.DigestPiece - 1) / launch.DigestPiece
		d.ends = append(d.ends, end)
	}
	d.digests = make([]merkle.Hash, layout.Digests())
	return d
}

// count is the number of pieces.
func (d *digester) count() int { return d.ends[len(d.ends)-1] }

// resultWords is what the digester needs of a tape's results.
func (d *digester) resultWords() int { return (8 + 1) * d.count() }

// place says where the layout's tensors lie, where the results shall, and where the table, whose size in
// words it returns.
func (d *digester) place(tensors []kernels.Range, results, table int) int {
	n := d.count()
	d.pieces = launch.Pieces(tensors)
	d.sums = kernels.Range{Offset: results, Words: 8 * n}
	d.odd = kernels.Range{Offset: results + 8*n, Words: n}
	d.table = kernels.Range{Offset: table, Words: 3 * n}
	return d.table.Words
}

// call hashes the tensors, in a memory of so many words.
func (d *digester) call(words int) launch.Planned {
	return launch.Planned{
		Plan:     launch.Digests(len(d.pieces)),
		Operands: []kernels.Range{{Offset: 0, Words: words}, d.table, d.sums, d.odd},
	}
}

// read puts the digests of the tensors together from results, which begin at word offset of the memory. What it
// returns is valid until the next call.
func (d *digester) read(results []uint32, offset int) (digests []merkle.Hash, finite bool) {
	sums, odd := results[d.sums.Offset-offset:], results[d.odd.Offset-offset:]
	finite = true
	piece := 0
	var b merkle.Builder
	for i, end := range d.ends {
		for ; piece < end; piece++ {
			var sum merkle.Hash
			for k, w := range sums[8*piece:][:8] {
				binary.LittleEndian.PutUint32(sum[4*k:], w)
			}
			b.Append(merkle.LeafHash(sum[:]))
			finite = finite && odd[piece] == 0
		}
		d.digests[i] = b.Root()
		b.Reset()
	}
	return d.digests, finite
}
