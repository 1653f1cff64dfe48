package evm

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/sha3"

	"github.com/verifyd/verifyd/proofs"
)

const wordSize = 32

// words is an argument or a list of them, in Solidity's ABI: words of 32
// bytes.
type words []byte

func (w *words) hash(h proofs.Hash) { *w = append(*w, h[:]...) }

func (w *words) uint(n uint64) {
	*w = append(*w, make([]byte, wordSize-8)...)
	*w = binary.BigEndian.AppendUint64(*w, n)
}

func (w *words) uint128(n proofs.Uint128) {
	*w = append(*w, make([]byte, wordSize-16)...)
	*w = binary.BigEndian.AppendUint64(*w, n.Hi)
	*w = binary.BigEndian.AppendUint64(*w, n.Lo)
}

func (w *words) hashes(list []proofs.Hash) {
	w.uint(uint64(len(list)))
	for _, h := range list {
		w.hash(h)
	}
}

// bytes writes the length and then the bytes, filled up to whole words.
func (w *words) bytes(b []byte) {
	w.uint(uint64(len(b)))
	*w = append(*w, b...)
	*w = append(*w, make([]byte, (wordSize-len(b)%wordSize)%wordSize)...)
}

// call is a function's selector, the head and the tails. A head is the static
// arguments as they are and, for each tail, nil: the offset goes there.
func call(signature string, head []words, tails ...words) []byte {
	size := 0
	for _, h := range head {
		size += max(len(h), wordSize)
	}
	keccak := sha3.NewLegacyKeccak256()
	keccak.Write([]byte(signature)) // a hash never fails to be written
	out := words(keccak.Sum(nil)[:4])
	next := 0
	for _, h := range head {
		if h != nil {
			out = append(out, h...)
			continue
		}
		out.uint(uint64(size))
		size += len(tails[next])
		next++
	}
	for _, t := range tails {
		out = append(out, t...)
	}
	return out
}

// address checks that an account is an EVM address, 20 bytes with zeros on the
// left.
func address(account proofs.Hash) (words, error) {
	for _, b := range account[:12] {
		if b != 0 {
			return nil, fmt.Errorf("evm: account %s is not an address: its first 12 bytes must be zero", account)
		}
	}
	return account[:], nil
}
