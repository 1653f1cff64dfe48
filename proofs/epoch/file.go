package epoch

import (
	"bytes"
	"encoding/binary"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// leafSize is the length of a leaf in a leaf file: three words.
const leafSize = 96

// File is the leaf file, which is published so that nobody depends on the
// verifiers to claim: 96 bytes a leaf. The epoch root's dataHash is its
// SHA-256.
func (e *Epoch) File() []byte {
	file := make([]byte, 0, leafSize*len(e.Leaves))
	for _, l := range e.Leaves {
		file = append(file, l.Account[:]...)
		file = append(file, make([]byte, 16)...)
		file = binary.BigEndian.AppendUint64(file, l.CumulativeUnits.Hi)
		file = binary.BigEndian.AppendUint64(file, l.CumulativeUnits.Lo)
		file = append(file, l.Detail[:]...)
	}
	return file
}

// ParseFile reads a leaf file. Whether it is the published one, the reader
// asks of the epoch root's dataHash.
func ParseFile(file []byte) ([]merkle.Leaf, error) {
	if len(file) == 0 || len(file)%leafSize != 0 {
		return nil, refuse(class.BadLength, "leaves", "%d bytes, want a multiple of %d", len(file), leafSize)
	}
	leaves := make([]merkle.Leaf, len(file)/leafSize)
	for i := range leaves {
		words := file[i*leafSize:]
		for _, b := range words[32:48] {
			if b != 0 {
				return nil, refuse(class.DirtyPadding, "cumulativeUnits", "leaf %d: dirty padding: the 16 high bytes must be zero", i)
			}
		}
		leaves[i] = merkle.Leaf{
			Account:         proofs.Hash(words[:32]),
			CumulativeUnits: proofs.Uint128{Hi: binary.BigEndian.Uint64(words[48:]), Lo: binary.BigEndian.Uint64(words[56:])},
			Detail:          proofs.Hash(words[64:96]),
		}
		if i > 0 && bytes.Compare(leaves[i-1].Account[:], leaves[i].Account[:]) >= 0 {
			return nil, refuse(class.NotCanonical, "account", "leaf %d: accounts must be in strictly ascending order", i)
		}
		if leaves[i].CumulativeUnits == (proofs.Uint128{}) {
			return nil, refuse(class.OutOfRange, "cumulativeUnits", "leaf %d: an account with nothing has no leaf", i)
		}
	}
	return leaves, nil
}
