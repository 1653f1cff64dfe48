package launch

// DigestPiece is the number of words in a piece of a tensor that has a digest of its own, 1 MiB: the
// chunk of package verify/state.
const DigestPiece = 1 << 18

// Digests is the plan that hashes a tensor of words elements, at least one and no more than an
// operand has. Its operands are the tensor, 8 words a piece for the BLAKE3 digests, and a word a piece
// that tells whether the piece has a NaN or an infinity.
func Digests(words int) Plan {
	return Plan{Launches: []Launch{
		line("drn1_blake3", parts(words, DigestPiece), 256, integer(words), operand(0), operand(1), operand(2)),
	}}
}
