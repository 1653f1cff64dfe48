package round

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/verifyd/verifyd/kernels"
)

// rootDomain names the definition of a round's game. Any change of it is a new name.
const rootDomain = "verifyd/shapley/round/1\n"

// Root is the SHA-256 that commits to the game: after the domain come the program's digest, the digest of
// w0, the number of players and for each the digest of the update, its size and a byte for whether it is isolated, the digests of X and Y,
// and a byte each for the utility, for renormalised weights and for a shared first layer. Digests are
// SHA-256 of little-endian words, tensor after tensor; numbers are uint64, little-endian.
func (g *Game) Root() [32]byte {
	r := &g.given
	d := r.Program.Digest()
	all := append([]byte(rootDomain), d[:]...)
	d = tensorsDigest(r.Base)
	all = append(all, d[:]...)
	all = binary.LittleEndian.AppendUint64(all, uint64(len(r.Updates)))
	for i, u := range r.Updates {
		d = tensorsDigest(u)
		all = append(all, d[:]...)
		all = binary.LittleEndian.AppendUint64(all, r.Sizes[i])
		all = append(all, flag(slices.ContainsFunc(g.isolated, func(x Isolated) bool { return x.Player == i })))
	}
	for _, b := range []kernels.Buf{r.X, r.Y} {
		d = rowsDigest(b)
		all = append(all, d[:]...)
	}
	all = append(all, byte(g.options.Utility), flag(g.options.Renormalised), flag(g.first != nil))
	return sha256.Sum256(all)
}

// tensorsDigest is the SHA-256 of the tensors' bits.
func tensorsDigest(tensors [][]float32) [32]byte {
	h := sha256.New()
	var block []byte
	for _, t := range tensors {
		for lo := 0; lo < len(t); lo += foldBlock {
			block = appendFloats(block[:0], t[lo:min(lo+foldBlock, len(t))])
			h.Write(block)
		}
	}
	return [32]byte(h.Sum(nil))
}

// rowsDigest is the SHA-256 of a buffer's bits.
func rowsDigest(b kernels.Buf) [32]byte {
	if b.I == nil {
		return tensorsDigest([][]float32{b.F})
	}
	var words []byte
	for _, v := range b.I {
		words = binary.LittleEndian.AppendUint32(words, uint32(v))
	}
	return sha256.Sum256(words)
}

// flag is 1 for true.
func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}
