package simulated

import (
	"crypto/sha256"
	"math/big"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/ledgers/evm"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// under runs a test under the rules of today and of the next fork.
func under(t *testing.T, test func(t *testing.T, c *chain)) {
	for _, name := range []string{"osaka", "amsterdam"} {
		t.Run(name, func(t *testing.T) { test(t, newChain(t, name)) })
	}
}

// TestAWorkerIsPaidForASignedContribution goes the whole way: contributions are
// signed, an epoch is built, its root is signed, posted and made active, and a
// worker's bundle is claimed.
func TestAWorkerIsPaidForASignedContribution(t *testing.T) {
	under(t, func(t *testing.T, c *chain) {
		minter := c.deployMinter(poolID, policy, c.from)
		if got := proofs.Hash(minter.get("audience").([32]byte)); got != minter.audience() {
			t.Fatalf("the contract's audience is %s, want %s", got, minter.audience())
		}
		q := newQuorum(t, 3, 4, 1)
		minter.must(q.setSigners(t))

		scope := epoch.Scope{Audience: minter.audience(), PoolID: poolID, PolicyHash: policy, Epoch: 1, Emission: proofs.Uint(1000), Dust: account(99)}
		cs := []proofs.Contribution{contribution(scope.Audience, policy, 1, 0, 600, 0), contribution(scope.Audience, policy, 1, 1, 300, 0)}
		e := build(t, nil, scope, cs...)
		root := q.sign(t, e.Root(1, c.now()+3600, scenario.ID("checkpoint")), 0, 2, 4)
		data, err := evm.PostRoot(root, q.set)
		if err != nil {
			t.Fatal(err)
		}
		minter.must(data)

		signed := q.sign(t, cs[0], 1)
		b, err := bundle.New(q.set, signed)
		if err != nil {
			t.Fatal(err)
		}
		leaf := merkle.Leaf{Account: account(0), CumulativeUnits: proofs.Uint(600), Detail: sha256.Sum256(signed.Body)}
		b.EpochRoot = root
		if b.Merkle, err = e.Tree.Path(leaf); err != nil {
			t.Fatal(err)
		}
		data, err = evm.ClaimBundle(b)
		if err != nil {
			t.Fatal(err)
		}
		if why := minter.refusal(data); why != "BadPath" {
			t.Errorf("a claim within the window: %q", why)
		}
		minter.activate()
		minter.must(data)
		minter.balance(account(0), 600)
		if why := minter.refusal(data); why != "NothingToClaim" {
			t.Errorf("a second claim of the same bundle: %q", why)
		}

		// The others, the dust account among them, by one proof.
		many, err := e.Tree.MultiProof(e.Leaves)
		if err != nil {
			t.Fatal(err)
		}
		if data, err = evm.ClaimMany(many); err != nil {
			t.Fatal(err)
		}
		minter.must(data)
		minter.balance(account(1), 300)
		minter.balance(account(99), 100)
		if supply := minter.get("totalSupply").(*big.Int); supply.Uint64() != 1000 {
			t.Errorf("supply %s, want the emission, 1000", supply)
		}
	})
}

func (k *contract) balance(of proofs.Hash, want uint64) {
	k.t.Helper()
	if got := k.get("balanceOf", addressOf(of)).(*big.Int); got.Uint64() != want {
		k.t.Errorf("balance %s, want %d", got, want)
	}
}

// A government is a voting token, its governor and the timelock that owns the
// ledger.
type government struct{ token, governor, timelock *contract }

func (c *chain) govern(delay time.Duration) government {
	seconds := big.NewInt(int64(delay / time.Second))
	g := government{
		token:    c.deploy("VoteToken", "Vote", "VOTE", big.NewInt(1_000_000), c.from),
		timelock: c.deploy("TimelockController", seconds, []common.Address{}, []common.Address{{}}, c.from),
	}
	g.governor = c.deploy("PolicyGovernor", g.token.address, g.timelock.address, big.NewInt(1), big.NewInt(5), big.NewInt(1), big.NewInt(4))
	// The governor alone proposes to the timelock, and nobody can change that.
	g.timelock.call("grantRole", [32]byte(crypto.Keccak256([]byte("PROPOSER_ROLE"))), g.governor.address)
	g.timelock.call("renounceRole", [32]byte{}, c.from)
	g.token.call("delegate", c.from)
	return g
}

// vote carries a call of the ledger through the whole procedure. It returns the
// gas of each step.
func (g government) vote(ledger *contract, data []byte, delay time.Duration) (propose, vote, queue, execute uint64) {
	g.governor.t.Helper()
	const why = "a new policy"
	targets, values, calls := []common.Address{ledger.address}, []*big.Int{new(big.Int)}, [][]byte{data}
	propose = g.governor.call("propose", targets, values, calls, why)
	hash := [32]byte(crypto.Keccak256([]byte(why)))
	id := g.governor.get("getProposalId", targets, values, calls, hash).(*big.Int)
	g.governor.wait(time.Second)
	vote = g.governor.call("castVote", id, uint8(1))
	for range 6 {
		g.governor.wait(time.Second)
	}
	queue = g.governor.call("queue", targets, values, calls, hash)
	g.governor.wait(delay + time.Second)
	execute = g.governor.call("execute", targets, values, calls, hash)
	return propose, vote, queue, execute
}

// TestAVoteChangesThePolicy shows that holders of the voting token change the
// policy, and that the next epoch's root under the old one then mints nothing.
func TestAVoteChangesThePolicy(t *testing.T) {
	under(t, func(t *testing.T, c *chain) {
		g := c.govern(24 * time.Hour)
		minter := c.deployMinter(poolID, policy, c.from)
		q := newQuorum(t, 3, 3, 0)
		minter.must(q.setSigners(t))
		minter.call("transferOwnership", g.timelock.address)
		next := scenario.ID("the next policy")
		newTerms := evm.SetPolicy(next, proofs.Uint(500))
		if why := minter.refusal(newTerms); why != "OwnableUnauthorizedAccount" {
			t.Errorf("the deployer sets the policy without a vote: %q", why)
		}

		scope := epoch.Scope{Audience: minter.audience(), PoolID: poolID, PolicyHash: policy, Epoch: 1, Emission: proofs.Uint(1000), Dust: account(99)}
		first := build(t, nil, scope, contribution(scope.Audience, policy, 1, 0, 1000, 0))
		minter.must(q.post(t, first.Root(1, c.now()+3600, scenario.ID("checkpoint")), 0, 1, 2))
		minter.activate()

		scope.Epoch, scope.Emission = 2, proofs.Uint(500)
		under := build(t, first.Leaves, scope, contribution(scope.Audience, policy, 2, 0, 500, 1000))
		old := q.post(t, under.Root(1, c.now()+1_000_000, scenario.ID("checkpoint")), 0, 1, 2)
		if why := minter.refusal(old); why != "" {
			t.Fatalf("before the vote the root is refused: %s", why)
		}
		g.vote(minter, newTerms, 24*time.Hour)
		if why := minter.refusal(old); why != "WrongPolicy" {
			t.Errorf("after the vote the root under the old policy: %q", why)
		}
		if got := proofs.Hash(minter.get("policyHash").([32]byte)); got != next {
			t.Errorf("policy %s, want %s", got, next)
		}

		// What was earned under the old policy before is still paid, and the new
		// policy pays from its first root on, up to the new cap.
		minter.must(claim(t, first.Tree, first.Leaves[0]))
		minter.balance(account(0), 1000)
		scope.PolicyHash, scope.Emission = next, proofs.Uint(501)
		above := build(t, first.Leaves, scope, contribution(scope.Audience, next, 2, 0, 500, 1000))
		if why := minter.refusal(q.post(t, above.Root(1, c.now()+3600, scenario.ID("checkpoint")), 0, 1, 2)); why != "AboveEpochCap" {
			t.Errorf("a root above the cap of the vote: %q", why)
		}
		scope.Emission = proofs.Uint(500)
		second := build(t, first.Leaves, scope, contribution(scope.Audience, next, 2, 0, 500, 1000))
		minter.must(q.post(t, second.Root(1, c.now()+3600, scenario.ID("checkpoint")), 0, 1, 2))
		minter.activate()
		minter.must(claim(t, second.Tree, second.Leaves[0]))
		minter.balance(account(0), 1500)
	})
}
