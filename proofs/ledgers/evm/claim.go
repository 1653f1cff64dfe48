package evm

import (
	"crypto/sha256"
	"errors"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// Claim is a call of claim: it pays the leaf's account what the leaf's total
// exceeds what the account was paid before. Anyone may make it.
func Claim(leaf merkle.Leaf, path []proofs.Hash) ([]byte, error) {
	account, err := address(leaf.Account)
	if err != nil {
		return nil, err
	}
	var total, proof words
	total.uint128(leaf.CumulativeUnits)
	proof.hashes(path)
	return call("claim(address,uint128,bytes32,bytes32[])", []words{account, total, leaf.Detail[:], nil}, proof), nil
}

// ClaimBundle is the call of claim for a bundle whose epoch root the contract
// has made active. The bundle is taken as it is: verify it first.
func ClaimBundle(b *bundle.Bundle) ([]byte, error) {
	if b.Merkle == nil {
		return nil, errors.New("evm: the bundle has no path: its contribution raised no total, or its epoch has not ended")
	}
	stated, err := proofs.Parse(b.Contribution.Type, b.Contribution.Body)
	if err != nil {
		return nil, err
	}
	c, ok := stated.(proofs.Contribution)
	if !ok {
		return nil, errors.New("evm: the bundle is not of a contribution")
	}
	leaf := merkle.Leaf{Account: c.Account, CumulativeUnits: c.CumulativeUnits, Detail: sha256.Sum256(b.Contribution.Body)}
	return Claim(leaf, b.Merkle)
}

// ClaimMany is a call of claimMany, which pays several accounts by one proof.
// Those that were paid already are passed over.
func ClaimMany(m *merkle.MultiProof) ([]byte, error) {
	var leaves, proof, flags words
	leaves.uint(uint64(len(m.Leaves)))
	for _, l := range m.Leaves {
		account, err := address(l.Account)
		if err != nil {
			return nil, err
		}
		leaves = append(leaves, account...)
		leaves.uint128(l.CumulativeUnits)
		leaves.hash(l.Detail)
	}
	proof.hashes(m.Path)
	flags.uint(uint64(len(m.Flags)))
	for _, known := range m.Flags {
		flag := uint64(0)
		if known {
			flag = 1
		}
		flags.uint(flag)
	}
	return call("claimMany((address,uint128,bytes32)[],bytes32[],bool[])", []words{nil, nil, nil}, leaves, proof, flags), nil
}
