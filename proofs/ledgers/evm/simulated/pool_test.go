package simulated

import (
	"crypto"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/ledgers/evm"
	"github.com/verifyd/verifyd/proofs/merkle"
)

const window = 3 * 24 * time.Hour

var (
	poolID   = scenario.ID("pool")
	policy   = scenario.ID("policy")
	guardian = common.HexToAddress("0x6a")
	most     = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))
)

// deployMinter deploys a CumulativeMinter of the chain's account.
func (c *chain) deployMinter(pool, policy proofs.Hash, owner common.Address) *contract {
	c.t.Helper()
	return c.deploy("CumulativeMinter", "Work", "WRK", pool, policy, most, uint64(0), uint64(window/time.Second), guardian, owner)
}

// A quorum is a signer set with its private keys.
type quorum struct {
	set     proofs.SignerSet
	signers []crypto.Signer // in the order of the set
}

// newQuorum is set 1 of some keys on P-256 and some on secp256k1.
func newQuorum(t *testing.T, threshold uint32, p256, k1 int) quorum {
	t.Helper()
	byKey := make(map[proofs.Key]crypto.Signer)
	q := quorum{set: proofs.SignerSet{Audience: scenario.ID("any"), PoolID: poolID, Set: 1, Threshold: threshold}}
	for i := range p256 + k1 {
		signer, err := scenario.ES256(fmt.Sprintf("verifier %d", i))
		if i >= p256 {
			signer, err = scenario.ES256K(fmt.Sprintf("verifier %d", i)), nil
		}
		if err != nil {
			t.Fatal(err)
		}
		key, err := proofs.NewKey(signer.Public())
		if err != nil {
			t.Fatal(err)
		}
		q.set.Keys, byKey[key] = append(q.set.Keys, key), signer
	}
	scenario.Order(q.set.Keys)
	for _, k := range q.set.Keys {
		q.signers = append(q.signers, byKey[k])
	}
	return q
}

// sign is a statement signed by the keys at some places.
func (q quorum) sign(t *testing.T, s proofs.Statement, places ...int) *proofs.Envelope {
	t.Helper()
	var signers []crypto.Signer
	for _, i := range places {
		signers = append(signers, q.signers[i])
	}
	env, err := proofs.Sign(s, signers...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// post is the call that posts a root with signatures from some places.
func (q quorum) post(t *testing.T, root proofs.EpochRoot, places ...int) []byte {
	t.Helper()
	data, err := evm.PostRoot(q.sign(t, root, places...), q.set)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// setSigners is the call that puts the set in force.
func (q quorum) setSigners(t *testing.T) []byte {
	t.Helper()
	data, err := evm.SetSigners(q.set)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// audience is the hash of the contract's name, computed here.
func (k *contract) audience() proofs.Hash {
	k.t.Helper()
	h, err := proofs.Audience(fmt.Sprintf("eip155:%d:%s", chainID, strings.ToLower(k.address.Hex())))
	if err != nil {
		k.t.Fatal(err)
	}
	return h
}

// rootOf is a statement for this contract that is in time for years.
func (k *contract) rootOf(number uint64, tree proofs.Hash, total proofs.Uint128) proofs.EpochRoot {
	return proofs.EpochRoot{
		Audience: k.audience(), PoolID: poolID, Epoch: number, Root: tree, PolicyHash: policy, CumulativeUnits: total,
		SignerSet: 1, NotAfter: genesisTime + 1_000_000_000, CheckpointHash: scenario.ID("checkpoint"), DataHash: scenario.ID("leaves"),
	}
}

// activate lets the window of the pending root pass and makes it active. It
// returns the gas that the latter took.
func (k *contract) activate() uint64 {
	k.t.Helper()
	k.wait(window)
	return k.must(evm.Finalize())
}

// account i is an EVM address.
func account(i int) (a proofs.Hash) {
	h := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
	copy(a[12:], h[12:])
	return a
}

func addressOf(a proofs.Hash) common.Address { return common.Address(a[12:]) }

// earned are the leaves of n accounts after an epoch in which each earned as
// much as in those before, and their sum.
func earned(n int, number uint64) (leaves []merkle.Leaf, total proofs.Uint128) {
	for i := range n {
		units := proofs.Uint(number * uint64(1_000_000+i))
		leaves = append(leaves, merkle.Leaf{Account: account(i), CumulativeUnits: units, Detail: scenario.ID(fmt.Sprintf("detail %d of %d", i, number))})
		total, _ = total.Add(units)
	}
	return leaves, total
}

func newTree(t *testing.T, leaves []merkle.Leaf) *merkle.Tree {
	t.Helper()
	tree, err := merkle.New(poolID, leaves)
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// claim is the call that claims a leaf.
func claim(t *testing.T, tree *merkle.Tree, leaf merkle.Leaf) []byte {
	t.Helper()
	path, err := tree.Path(leaf)
	if err != nil {
		t.Fatal(err)
	}
	data, err := evm.Claim(leaf, path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// contribution is one that earns an account its first units under a policy.
func contribution(audience, policy proofs.Hash, number uint64, worker int, units, before uint64) proofs.Contribution {
	return proofs.Contribution{
		Audience: audience, PoolID: poolID, Epoch: number, TaskID: scenario.ID(fmt.Sprint("task", number)), WorkerID: scenario.ID(fmt.Sprint("worker", worker)),
		Account: account(worker), Units: proofs.Uint(units), CumulativeUnits: proofs.Uint(before + units),
		Verdict: proofs.Verdict{Kind: proofs.Accepted}, StepsClaimed: 400, StepsReplayed: 40, PolicyHash: policy, IssuedAt: genesisTime,
	}
}

// build is an epoch of some contributions after others' leaves.
func build(t *testing.T, before []merkle.Leaf, scope epoch.Scope, cs ...proofs.Contribution) *epoch.Epoch {
	t.Helper()
	e, err := epoch.Build(before, scope, cs)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
