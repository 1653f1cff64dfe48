package simulated

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/ledgers/evm"
	"github.com/verifyd/verifyd/proofs/merkle"
)

var update = flag.Bool("update", false, "write gas.txt anew")

const gasFile = "gas.txt"

// limits are promises to integrators, whatever gas.txt says.
var limits = map[string][2]uint64{ // Osaka, Amsterdam
	"claim, a later one":         {58_000, 74_000},
	"post a root, 3 P-256 of 16": {97_000, 112_000},
}

// A gasTable holds what each operation took.
type gasTable struct {
	names []string
	gas   map[string]uint64
}

func (g *gasTable) add(name string, gas uint64) {
	if g.gas == nil {
		g.gas = make(map[string]uint64)
	}
	g.names = append(g.names, name)
	g.gas[name] = gas
}

// TestGasIsWhatIsRecorded measures every operation under both rules. The
// record is exact: keys, roots and times are the same in every run.
func TestGasIsWhatIsRecorded(t *testing.T) {
	var tables []*gasTable
	for _, name := range []string{"osaka", "amsterdam"} {
		g := &gasTable{}
		g.rewards(newChain(t, name))
		g.distributor(newChain(t, name))
		g.government(newChain(t, name))
		tables = append(tables, g)
	}
	osaka, amsterdam := tables[0], tables[1]
	var text strings.Builder
	fmt.Fprintf(&text, "%-48s %12s %12s\n", "gas", "osaka", "amsterdam")
	for _, name := range osaka.names {
		fmt.Fprintf(&text, "%-48s %12d %12d\n", name, osaka.gas[name], amsterdam.gas[name])
	}
	for name, limit := range limits {
		if got := [2]uint64{osaka.gas[name], amsterdam.gas[name]}; got[0] == 0 || got[0] > limit[0] || got[1] > limit[1] {
			t.Errorf("%s takes %d gas, limit %d", name, got, limit)
		}
	}
	if *update {
		if err := os.WriteFile(gasFile, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if recorded, err := os.ReadFile(gasFile); err != nil || string(recorded) != text.String() {
		t.Errorf("gas differs from %s (%v); run with -update and look at the difference:\n%s", gasFile, err, text.String())
	}
}

// rewards measures a ledger of 65,536 accounts whose set has 16 keys on P-256
// and 5 on secp256k1, in its everyday life: slots were written before.
func (g *gasTable) rewards(c *chain) {
	const accounts = 1 << 16
	t := c.t
	minter := c.deployMinter(poolID, policy, c.from)
	g.add("deploy CumulativeMinter", minter.gas)
	q := newQuorum(t, 1, 16, 5)
	g.add("set 21 signers", minter.must(q.setSigners(t)))
	var leaves [4][]merkle.Leaf
	var trees [4]*merkle.Tree
	var totals [4]proofs.Uint128
	for n := uint64(1); n <= 3; n++ {
		leaves[n], totals[n] = earned(accounts, n)
		trees[n] = newTree(t, leaves[n])
	}
	post := func(number uint64, places ...int) []byte {
		n := min(number, 3)
		return q.post(t, minter.rootOf(number, trees[n].Root(), totals[n]), places...)
	}

	g.add("post the first root ever, 3 P-256 of 16", minter.must(post(1, 0, 7, 15)))
	g.add("activate the first root ever", minter.activate())
	g.add("claim, an account's first", minter.must(claim(t, trees[1], leaves[1][0])))
	minter.must(claim(t, trees[1], leaves[1][1]))

	g.add("post a root, 3 P-256 of 16", minter.must(post(2, 0, 7, 15)))
	g.add("activate the second root ever", minter.activate())
	g.add("claim, a later one", minter.must(claim(t, trees[2], leaves[2][0])))
	replayed := c.send(&minter.address, claim(t, trees[2], leaves[2][0]))
	g.add("claim again what was paid (reverts)", replayed.GasUsed)
	if replayed.Status != 0 {
		t.Error("a claim was paid twice")
	}
	many, err := trees[2].MultiProof(leaves[2][100:164])
	if err != nil {
		t.Fatal(err)
	}
	data, err := evm.ClaimMany(many)
	if err != nil {
		t.Fatal(err)
	}
	g.add("claim for 64 new accounts, each", minter.must(data)/64)

	number := uint64(3)
	for i, row := range []struct {
		name   string
		places []int
	}{
		{"post a root, 1 P-256 of 16", []int{7}},
		{"post a root, 5 P-256 of 16", []int{0, 3, 7, 11, 15}},
		{"post a root, 3 secp256k1 of 5", []int{16, 18, 20}},
		{"post a root, 5 secp256k1 of 5", []int{16, 17, 18, 19, 20}},
	} {
		g.add(row.name, minter.must(post(number, row.places...)))
		if gas := minter.activate(); i == 0 {
			g.add("activate a root", gas)
		}
		number++
	}
	minter.must(post(number, 0))
	minter.wait(window)
	g.add("post a root and activate the one before, 3 P-256", minter.must(post(number+1, 0, 7, 15)))
	g.add("veto", minter.must(evm.Veto()))
	takeBack := func(number uint64) uint64 {
		n := min(number, 3)
		taken := minter.rootOf(number, trees[n].Root(), totals[n])
		body, err := proofs.Encode(taken)
		if err != nil {
			t.Fatal(err)
		}
		revoke, err := evm.Revoke(q.sign(t, taken, 0), q.sign(t, proofs.Revocation{
			Audience: minter.audience(), PoolID: poolID, Epoch: number, Target: sha256.Sum256(body), TargetKind: 2, Reason: 1, SignerSet: 1, IssuedAt: genesisTime,
		}, 0, 7, 15), q.set, minter.history())
		if err != nil {
			t.Fatal(err)
		}
		return minter.must(revoke)
	}
	g.add("take back the active root, 3 P-256 of 16", takeBack(number))
	g.add("take back the one after it", takeBack(number-1))
	g.add("take back a root below, 3 P-256 of 16", takeBack(number-3))
	takeBack(number - 4)
	takeBack(number - 5)
	g.add("take back the active root, 3 below taken back", takeBack(number-2))
	g.add("set the policy and the cap", minter.must(evm.SetPolicy(scenario.ID("next"), proofs.Uint(1))))
}

func (g *gasTable) distributor(c *chain) {
	t := c.t
	token := c.deploy("VoteToken", "Paid", "PAID", new(big.Int).Lsh(big.NewInt(1), 100), c.from)
	d := c.deploy("PrefundedDistributor", token.address, poolID, policy, most, uint64(0), uint64(window/time.Second), guardian, c.from)
	g.add("deploy PrefundedDistributor", d.gas)
	token.call("transfer", d.address, new(big.Int).Lsh(big.NewInt(1), 99))
	q := newQuorum(t, 1, 1, 0)
	d.must(q.setSigners(t))
	for n := uint64(1); n <= 2; n++ {
		leaves, total := earned(1<<16, n)
		tree := newTree(t, leaves)
		d.must(q.post(t, d.rootOf(n, tree.Root(), total), 0))
		d.activate()
		for i := range 2 {
			gas := d.must(claim(t, tree, leaves[i]))
			if i == 1 {
				g.add(fmt.Sprintf("claim from the distributor (VoteToken), %s", []string{"an account's first", "a later one"}[n-1]), gas)
			}
		}
	}
}

func (g *gasTable) government(c *chain) {
	const delay = 24 * time.Hour
	gov := c.govern(delay)
	g.add("deploy VoteToken", gov.token.gas)
	g.add("deploy TimelockController", gov.timelock.gas)
	g.add("deploy PolicyGovernor", gov.governor.gas)
	minter := c.deployMinter(poolID, policy, gov.timelock.address)
	propose, vote, queue, execute := gov.vote(minter, evm.SetPolicy(scenario.ID("next"), proofs.Uint(1)), delay)
	g.add("propose a policy", propose)
	g.add("vote", vote)
	g.add("queue", queue)
	g.add("execute", execute)
}

// TestWithoutThePrecompileAPostStillWorks shows the stand-in for P-256, which
// costs much more and decides the same.
func TestWithoutThePrecompileAPostStillWorks(t *testing.T) {
	c := newChain(t, "prague")
	minter := c.deployMinter(poolID, policy, c.from)
	q := newQuorum(t, 3, 3, 0)
	minter.must(q.setSigners(t))
	root := minter.rootOf(1, scenario.ID("root"), proofs.Uint(1))
	gas := minter.must(q.post(t, root, 0, 1, 2))
	t.Logf("%d gas", gas)
	if gas < 500_000 {
		t.Error("so little: there is a precompile")
	}
}
