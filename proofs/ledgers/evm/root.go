package evm

import (
	"crypto/sha256"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/proofs"
)

// PostRoot is a call of postRoot with an epoch root that keys of the set in
// force signed. Signatures by ed25519, which no EVM checks, are left out; those
// that remain must be the quorum.
func PostRoot(root *proofs.Envelope, set proofs.SignerSet) ([]byte, error) {
	stated, err := proofs.Parse(root.Type, root.Body)
	if err != nil {
		return nil, err
	}
	if _, ok := stated.(proofs.EpochRoot); !ok {
		return nil, fmt.Errorf("evm: %s is not an epoch root", root.Type)
	}
	list, err := signaturesOf(root, set)
	if err != nil {
		return nil, err
	}
	var body words
	body.bytes(root.Body)
	return call("postRoot(bytes,(uint256,bytes32,bytes32)[])", []words{nil, nil}, body, list), nil
}

// Revoke is a call of revoke with the epoch root that is taken back and the
// revocation, which keys of the set in force signed. As with a root, those by
// ed25519 are left out. History is the links to fall back along, from [History];
// the contract reads it if the root is the active one when the call arrives.
func Revoke(root, revocation *proofs.Envelope, set proofs.SignerSet, history []Link) ([]byte, error) {
	stated, err := proofs.Parse(revocation.Type, revocation.Body)
	if err != nil {
		return nil, err
	}
	r, ok := stated.(proofs.Revocation)
	if !ok {
		return nil, fmt.Errorf("evm: %s is not a revocation", revocation.Type)
	}
	if got := proofs.Hash(sha256.Sum256(root.Body)); got != r.Target {
		return nil, fmt.Errorf("evm: the revocation is of %s, the root is %s", r.Target, got)
	}
	list, err := signaturesOf(revocation, set)
	if err != nil {
		return nil, err
	}
	var target, body, links words
	target.bytes(root.Body)
	body.bytes(revocation.Body)
	links.uint(uint64(len(history)))
	for _, l := range history {
		links = append(links, l.words()...)
	}
	const revoke = "revoke(bytes,bytes,(uint256,bytes32,bytes32)[],(bytes32,uint128,uint64,bytes32)[])"
	return call(revoke, []words{nil, nil, nil, nil}, target, body, list, links), nil
}

// signaturesOf are those of a statement by the quorum of a set, as the contract
// reads them.
func signaturesOf(env *proofs.Envelope, set proofs.SignerSet) (words, error) {
	places := make(map[proofs.Hash]int, len(set.Keys))
	for i, k := range set.Keys {
		id, err := proofs.KeyID(k)
		if err != nil {
			return nil, err
		}
		places[id] = i
	}
	type signature struct {
		place int
		r, s  proofs.Hash
	}
	var signatures []signature
	for _, sig := range env.Signatures {
		place, ok := places[sig.KeyID]
		if !ok {
			return nil, fmt.Errorf("evm: signed by %s, which is not in set %d", sig.KeyID, set.Set)
		}
		if set.Keys[place].Alg == "ed25519" {
			continue
		}
		r, s, err := split(sig.Sig)
		if err != nil {
			return nil, fmt.Errorf("evm: signature by %s: %w", sig.KeyID, err)
		}
		signatures = append(signatures, signature{place, r, s})
	}
	if len(signatures) < int(set.Threshold) {
		return nil, fmt.Errorf("evm: %d signatures on P-256 or secp256k1, want %d", len(signatures), set.Threshold)
	}
	// The contract wants them in the order of the set, each key once.
	slices.SortFunc(signatures, func(a, b signature) int { return a.place - b.place })
	var list words
	list.uint(uint64(len(signatures)))
	for _, sig := range signatures {
		list.uint(uint64(sig.place))
		list.hash(sig.r)
		list.hash(sig.s)
	}
	return list, nil
}

// split takes r and s out of an ECDSA signature.
func split(der []byte) (r, s proofs.Hash, err error) {
	var sig struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &sig)
	if err != nil {
		return r, s, err
	}
	if len(rest) > 0 || sig.R.Sign() <= 0 || sig.S.Sign() <= 0 || sig.R.BitLen() > 256 || sig.S.BitLen() > 256 {
		return r, s, fmt.Errorf("not the DER of two integers of 256 bits")
	}
	sig.R.FillBytes(r[:])
	sig.S.FillBytes(s[:])
	return r, s, nil
}

// SetSigners is a call of setSigners, which the contract's owner makes to put
// a set in force. Its threshold must be within the reach of the keys that are
// not ed25519.
func SetSigners(set proofs.SignerSet) ([]byte, error) {
	if _, err := proofs.Encode(set); err != nil {
		return nil, err
	}
	var number, keys, threshold words
	number.uint(set.Set)
	keys.uint(uint64(len(set.Keys)))
	reach := 0
	for _, k := range set.Keys {
		alg := slices.Index([]string{"", "es256", "es256k", "ed25519"}, k.Alg)
		if alg < 3 {
			reach++
		}
		keys.uint(uint64(alg))
		keys.hash(k.X)
		keys.hash(k.Y)
	}
	if int(set.Threshold) > reach {
		return nil, fmt.Errorf("evm: set %d wants %d signers, but %d of its keys are on P-256 or secp256k1", set.Set, set.Threshold, reach)
	}
	threshold.uint(uint64(set.Threshold))
	return call("setSigners(uint64,(uint32,bytes32,bytes32)[],uint8)", []words{number, nil, threshold}, keys), nil
}

// SetPolicy is a call of setPolicy, which the contract's owner makes: the
// digest of the scoring policy, and how much the total may grow from one root
// to the next.
func SetPolicy(policyHash proofs.Hash, epochCap proofs.Uint128) []byte {
	var most words
	most.uint128(epochCap)
	return call("setPolicy(bytes32,uint128)", []words{policyHash[:], most})
}

// Finalize is a call of finalize, which makes a posted root active once its
// window is over. Anyone may make it.
func Finalize() []byte { return call("finalize()", nil) }

// Veto is a call of veto, which the guardian or the owner makes within the
// window.
func Veto() []byte { return call("veto()", nil) }
