package launch

import "github.com/verifyd/verifyd/kernels"

// DigestPiece is the number of words in a piece of a tensor that has a digest of its own, 1 MiB: the
// chunk of package verify/state.
const DigestPiece = 1 << 18

// Pieces cuts tensors into what has a digest: whole pieces, and what is left at the end of a tensor.
func Pieces(tensors []kernels.Range) []kernels.Range {
	var all []kernels.Range
	for _, t := range tensors {
		for from := 0; from < t.Words; from += DigestPiece {
			all = append(all, kernels.Range{Offset: t.Offset + from, Words: min(DigestPiece, t.Words-from)})
		}
	}
	return all
}

// DigestTable describes pieces to the kernel: for each the low and the high half of its offset, and its
// length.
func DigestTable(pieces []kernels.Range) []uint32 {
	var table []uint32
	for _, p := range pieces {
		table = append(table, uint32(p.Offset), uint32(uint64(p.Offset)>>32), uint32(p.Words))
	}
	return table
}

// Digests is the plan that hashes as many pieces of a memory, all in one launch. Its operands are the
// memory, the table of the pieces, 8 words a piece for the BLAKE3 digests, and a word a piece
// that tells whether the piece has a NaN or an infinity.
func Digests(pieces int) Plan {
	return Plan{Launches: []Launch{
		line("drn1_blake3", pieces, 256, operand(0), operand(1), operand(2), operand(3)),
	}}
}
