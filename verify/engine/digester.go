package engine

import (
	"encoding/binary"

	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

// resultWords is what a piece has in the results: a digest, and whether it is odd.
const resultWords = 9

// digester knows where the digests of tensors lie, and puts them together as package state does.
type digester struct {
	pieces  []launch.Range
	table   launch.Range
	sums    launch.Range // 8 words a piece
	odd     launch.Range // a word a piece
	ends    []int        // pieces up to the end of each tensor
	digests []merkle.Hash
}

func newDigester(pieces []launch.Range, layout *state.Layout, at int) *digester {
	n := len(pieces)
	l := &digester{
		pieces: pieces,
		sums:   launch.Range{Offset: at, Words: 8 * n},
		odd:    launch.Range{Offset: at + 8*n, Words: n},
	}
	end := 0
	for _, t := range layout.Tensors() {
		end += (t.Len() + launch.DigestPiece - 1) / launch.DigestPiece
		l.ends = append(l.ends, end)
	}
	l.digests = make([]merkle.Hash, len(l.ends))
	return l
}

// call hashes the tensors, in a memory of so many words.
func (l *digester) call(words int) launch.Call {
	return launch.Call{
		Plan:     launch.Digests(len(l.pieces)),
		Operands: []launch.Range{{Offset: 0, Words: words}, l.table, l.sums, l.odd},
	}
}

// read puts the digests of the tensors together from results, which begin at word offset of the memory.
func (l *digester) read(results []uint32, offset int) (digests []merkle.Hash, finite bool) {
	finite = true
	piece := 0
	var b merkle.Builder
	for i, end := range l.ends {
		for ; piece < end; piece++ {
			var sum merkle.Hash
			for k, w := range results[l.sums.Offset-offset+8*piece:][:8] {
				binary.LittleEndian.PutUint32(sum[4*k:], w)
			}
			b.Append(merkle.LeafHash(sum[:]))
			finite = finite && results[l.odd.Offset-offset+piece] == 0
		}
		l.digests[i] = b.Root()
		b.Reset()
	}
	return l.digests, finite
}
