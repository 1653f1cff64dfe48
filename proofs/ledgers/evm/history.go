package evm

import (
	"fmt"

	"golang.org/x/crypto/sha3"

	"github.com/verifyd/verifyd/proofs"
)

// A Link is a root that was active on a contract, as its event RootActivated has
// it: the root, the sum of its leaves, its epoch, and the hash of the link below.
type Link struct {
	Root  proofs.Hash
	Total proofs.Uint128
	Epoch uint64
	Below proofs.Hash
}

// Hash is how the link above names l, and the contract's below() the last one.
func (l Link) Hash() (h proofs.Hash) {
	keccak := sha3.NewLegacyKeccak256()
	keccak.Write(l.words()) // a hash never fails to be written
	keccak.Sum(h[:0])
	return h
}

func (l Link) words() words {
	var w words
	w.hash(l.Root)
	w.uint128(l.Total)
	w.uint(l.Epoch)
	w.hash(l.Below)
	return w
}

// History is the links that a contract falls back along when its active root is
// taken back: from the last one, which its below() names, down to the first that
// was not taken back, or to the end. Activated are all links that the contract
// ever had, in any order; revoked says which of them it has an event RootRevoked
// for.
func History(below proofs.Hash, activated []Link, revoked func(Link) bool) ([]Link, error) {
	byHash := make(map[proofs.Hash]Link, len(activated))
	for _, l := range activated {
		byHash[l.Hash()] = l
	}
	var history []Link
	for below != (proofs.Hash{}) {
		l, ok := byHash[below]
		if !ok {
			return nil, fmt.Errorf("evm: history: no root that was active is the link %s", below)
		}
		history, below = append(history, l), l.Below
		if !revoked(l) {
			break
		}
	}
	return history, nil
}
