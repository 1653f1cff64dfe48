package proofs

import (
	"bytes"
	"fmt"

	"github.com/verifyd/verifyd/proofs/internal/class"
)

// maxSigners bounds a set. A ledger pays for every signature that it checks.
const maxSigners = 32

// A signer set's body is its head and three words a key.
const (
	signerSetHead = 7
	keyWords      = 3
)

// A SignerSet says which keys speak for a pool from now on, and how many of
// them it takes. The first one is given to a ledger out of band; each later
// one is signed by a quorum of the set before it and by every key that it
// adds.
type SignerSet struct {
	// Audience names the one ledger that may act on it. It must not be zero.
	Audience Hash
	// PoolID names the pool.
	PoolID Hash
	// Set numbers the pool's signer sets: 1, 2, 3 and so on.
	Set uint64
	// Previous is the SHA-256 of the body of the set before this one, zero for
	// the first.
	Previous Hash
	// IssuedAt is the time of signing in seconds of the Unix epoch.
	IssuedAt uint64
	// Threshold is how many distinct keys must sign: 1 to the number of keys.
	Threshold uint32
	// Keys are 1 to 32 distinct keys in ascending order of their words.
	Keys []Key
}

func (s SignerSet) payloadType() string { return signerSetType }

func (s SignerSet) encode() []byte {
	w := make(writer, 0, (signerSetHead+keyWords*len(s.Keys))*wordSize)
	s.layout(&w)
	return w
}

func (s *SignerSet) layout(f fields) {
	size := uint32(len(s.Keys))
	f.hash("audience", &s.Audience)
	f.hash("poolId", &s.PoolID)
	f.uint64("set", &s.Set)
	f.hash("previous", &s.Previous)
	f.uint64("issuedAt", &s.IssuedAt)
	f.uint32("threshold", &s.Threshold)
	f.uint32("size", &size)
	for i := range s.Keys {
		name := fmt.Sprintf("keys[%d]", i)
		f.algorithm(name+".alg", &s.Keys[i].Alg)
		f.hash(name+".x", &s.Keys[i].X)
		f.hash(name+".y", &s.Keys[i].Y)
	}
}

// parseSignerSet reads a body whose length says how many keys it has; the word
// size repeats that for readers that slice at constant offsets.
func parseSignerSet(body []byte) (Statement, error) {
	n := (len(body)/wordSize - signerSetHead) / keyWords
	if n < 1 || n > maxSigners || len(body) != (signerSetHead+keyWords*n)*wordSize {
		return nil, refuse(class.BadLength, "body", "%d bytes, want %d and %d for each of 1 to %d keys",
			len(body), signerSetHead*wordSize, keyWords*wordSize, maxSigners)
	}
	const sizeWord = 6
	size := reader{rest: body[sizeWord*wordSize:][:wordSize]}
	var stated uint32
	if size.uint32("size", &stated); size.err == nil && int(stated) != n {
		return nil, refuse(class.OutOfRange, "size", "%d, but the body has room for %d keys", stated, n)
	}
	return parse(body, signerSetHead+keyWords*n, func(s *SignerSet, f fields) {
		s.Keys = make([]Key, n)
		s.layout(f)
	})
}

// check holds the rules of SPEC.md's "Signer set".
func (s SignerSet) check() error {
	switch n := len(s.Keys); {
	case s.Audience == Hash{}:
		return refuse(class.OutOfRange, "audience", "must not be zero: it names the ledger that may act on the set")
	case s.Set == 0:
		return refuse(class.OutOfRange, "set", "must not be zero: sets start at 1")
	case (s.Set == 1) != (s.Previous == Hash{}):
		return refuse(class.OutOfRange, "previous", "is zero in set 1, and only there")
	case n < 1 || n > maxSigners:
		return refuse(class.OutOfRange, "size", "%d keys, want 1 to %d", n, maxSigners)
	case s.Threshold < 1 || int(s.Threshold) > n:
		return refuse(class.OutOfRange, "threshold", "%d is not one of 1 to %d, the number of keys", s.Threshold, n)
	}
	var last []byte
	for i, k := range s.Keys {
		field := fmt.Sprintf("keys[%d]", i)
		if err := k.check(field); err != nil {
			return err
		}
		words := k.words()
		if i > 0 && bytes.Equal(last, words) {
			return refuse(class.Duplicate, field, "is the key before it again: one key is one signer")
		}
		if bytes.Compare(last, words) > 0 {
			return refuse(class.OutOfRange, field, "is less than the key before it: keys are in ascending order of their words")
		}
		last = words
	}
	return nil
}
