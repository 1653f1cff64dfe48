package export

import (
	"fmt"

	"golang.org/x/crypto/sha3"

	"github.com/verifyd/verifyd/proofs"
)

// hash reads 32 bytes in hex with 0x, written as proofs.Hash writes them.
func hash(text string) (proofs.Hash, error) {
	h, err := proofs.ParseAccount(text)
	if err == nil && h.String() != text {
		err = fmt.Errorf("%.80q is not 0x and 64 lower-case hex digits", text)
	}
	return h, err
}

func keccak(parts ...[]byte) (h proofs.Hash) {
	state := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		state.Write(p) // a hash never fails to be written
	}
	state.Sum(h[:0])
	return h
}
