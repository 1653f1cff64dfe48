package epoch

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/merkle"
)

func id(name string) proofs.Hash { return sha256.Sum256([]byte(name)) }

var scope = Scope{
	Audience: id("urn:db:test"), PoolID: id("pool"), PolicyHash: id("policy"), Epoch: 4,
	Emission: proofs.Uint(1000), Dust: id("dust"),
}

// earns is a contribution to a task by the account's owner.
func earns(account, task string, units, cumulative uint64) proofs.Contribution {
	c := proofs.Contribution{
		Audience: scope.Audience, PoolID: scope.PoolID, PolicyHash: scope.PolicyHash, Epoch: scope.Epoch,
		Account: id(account), WorkerID: id(account), TaskID: id(task),
		Units: proofs.Uint(units), CumulativeUnits: proofs.Uint(cumulative), Verdict: proofs.Verdict{Kind: proofs.Accepted},
	}
	if units == 0 {
		c.Verdict = proofs.Verdict{Kind: proofs.Rejected, Reason: proofs.Mismatch}
	}
	return c
}

func detail(t *testing.T, c proofs.Contribution) proofs.Hash {
	t.Helper()
	body, err := proofs.Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(body)
}

func sum(leaves []merkle.Leaf) *big.Int {
	total := new(big.Int)
	for _, l := range leaves {
		v, _ := new(big.Int).SetString(l.CumulativeUnits.String(), 10)
		total.Add(total, v)
	}
	return total
}

func TestTotalsGrowByWhatIsEarnedAndTheRestIsDust(t *testing.T) {
	before := []merkle.Leaf{
		{Account: id("a"), CumulativeUnits: proofs.Uint(50), Detail: id("old a")},
		{Account: id("idle"), CumulativeUnits: proofs.Uint(9), Detail: id("old idle")},
		{Account: scope.Dust, CumulativeUnits: proofs.Uint(3), Detail: DustDetail()},
	}
	last := earns("a", "task 2", 30, 180)
	e, err := Build(before, scope, []proofs.Contribution{
		last, earns("a", "task 1", 100, 150), earns("a", "task 3", 0, 180), earns("b", "task 4", 7, 7), earns("nobody", "task 5", 0, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[proofs.Hash]merkle.Leaf{
		id("a"):    {Account: id("a"), CumulativeUnits: proofs.Uint(180), Detail: detail(t, last)},
		id("b"):    {Account: id("b"), CumulativeUnits: proofs.Uint(7), Detail: detail(t, earns("b", "task 4", 7, 7))},
		id("idle"): before[1],
		scope.Dust: {Account: scope.Dust, CumulativeUnits: proofs.Uint(3 + 1000 - 137), Detail: DustDetail()},
	}
	if len(e.Leaves) != len(want) {
		t.Errorf("%d leaves, want %d", len(e.Leaves), len(want))
	}
	for _, l := range e.Leaves {
		if want[l.Account] != l {
			t.Errorf("got %+v", l)
		}
	}
	if e.Total != proofs.Uint(62+1000) || sum(e.Leaves).Int64() != 1062 {
		t.Errorf("total %s, leaves add up to %s", e.Total, sum(e.Leaves))
	}
	root := e.Root(1, 2, id("checkpoint"))
	if root.Root != e.Tree.Root() || root.CumulativeUnits != e.Total || root.DataHash != proofs.Hash(sha256.Sum256(e.File())) {
		t.Errorf("root %+v", root)
	}
	if _, err := proofs.Encode(root); err != nil {
		t.Error(err)
	}
}

// TestTheLeavesOfAnyEpochAddUpToItsTotalExactly runs twenty epochs of random
// contributions on top of each other, in random order.
func TestTheLeavesOfAnyEpochAddUpToItsTotalExactly(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var leaves []merkle.Leaf
	emitted := new(big.Int)
	for n := range uint64(20) {
		at := scope
		at.Epoch, at.Emission = n+1, proofs.Uint128{Hi: r.Uint64N(1 << 20), Lo: r.Uint64()}
		totals := make(map[proofs.Hash]proofs.Uint128)
		for _, l := range leaves {
			totals[l.Account] = l.CumulativeUnits
		}
		var contributions []proofs.Contribution
		for i := range r.IntN(30) {
			c := earns(fmt.Sprint("account ", r.IntN(12)), fmt.Sprint("task ", i), r.Uint64N(math.MaxUint64/64), 0)
			c.Epoch = at.Epoch
			if r.IntN(4) == 0 {
				c.Units, c.Verdict = proofs.Uint128{}, proofs.Verdict{Kind: proofs.Inconclusive}
			}
			c.CumulativeUnits, _ = totals[c.Account].Add(c.Units)
			totals[c.Account] = c.CumulativeUnits
			contributions = append(contributions, c)
		}
		at.Emission.Hi++ // more than 30 contributions earn
		r.Shuffle(len(contributions), func(i, j int) { contributions[i], contributions[j] = contributions[j], contributions[i] })
		e, err := Build(leaves, at, contributions)
		if err != nil {
			t.Fatal(err)
		}
		emission, _ := new(big.Int).SetString(at.Emission.String(), 10)
		emitted.Add(emitted, emission)
		if sum(e.Leaves).Cmp(emitted) != 0 || e.Total.String() != emitted.String() {
			t.Fatalf("epoch %d: leaves add up to %s, total %s, emitted %s", at.Epoch, sum(e.Leaves), e.Total, emitted)
		}
		again, err := ParseFile(e.File())
		if err != nil || !slices.Equal(again, e.Leaves) {
			t.Fatalf("epoch %d: the leaf file says something else (%v)", at.Epoch, err)
		}
		leaves = again
	}
}

func TestContributionsThatDoNotAddUpAreRefused(t *testing.T) {
	before := []merkle.Leaf{{Account: id("a"), CumulativeUnits: proofs.Uint(50)}}
	change := func(f func(*proofs.Contribution)) []proofs.Contribution {
		c := earns("a", "task", 10, 60)
		f(&c)
		return []proofs.Contribution{c}
	}
	most := proofs.Uint128{Hi: math.MaxUint64, Lo: math.MaxUint64}
	for name, c := range map[string]struct {
		before []merkle.Leaf
		list   []proofs.Contribution
		class  string
		field  string
	}{
		"another ledger":     {before, change(func(c *proofs.Contribution) { c.Audience[0] ^= 1 }), class.WrongAudience, "audience"},
		"another pool":       {before, change(func(c *proofs.Contribution) { c.PoolID[0] ^= 1 }), class.WrongPool, "poolId"},
		"another epoch":      {before, change(func(c *proofs.Contribution) { c.Epoch++ }), class.WrongEpoch, "epoch"},
		"another policy":     {before, change(func(c *proofs.Contribution) { c.PolicyHash[0] ^= 1 }), class.WrongPolicy, "policyHash"},
		"dust that works":    {before, change(func(c *proofs.Contribution) { c.Account = scope.Dust }), class.OutOfRange, "account"},
		"decreasing":         {before, change(func(c *proofs.Contribution) { c.CumulativeUnits = proofs.Uint(49) }), class.Decreasing, "cumulativeUnits"},
		"a gap":              {before, change(func(c *proofs.Contribution) { c.CumulativeUnits = proofs.Uint(61) }), class.OutOfRange, "cumulativeUnits"},
		"twice the same":     {before, []proofs.Contribution{earns("a", "t", 10, 60), earns("a", "t", 10, 70)}, class.Spent, "nullifier"},
		"both from the old":  {before, []proofs.Contribution{earns("a", "t", 10, 60), earns("a", "u", 10, 60)}, class.OutOfRange, "cumulativeUnits"},
		"over the emission":  {before, []proofs.Contribution{earns("b", "t", 1001, 1001)}, class.OutOfRange, "units"},
		"over it together":   {before, []proofs.Contribution{earns("b", "t", 600, 600), earns("c", "t", 401, 401)}, class.OutOfRange, "units"},
		"one leaf twice":     {append(before, before...), nil, class.OutOfRange, "account"},
		"more than 128 bits": {[]merkle.Leaf{{Account: id("a"), CumulativeUnits: most}}, nil, class.OutOfRange, "cumulativeUnits"},
	} {
		_, err := Build(c.before, scope, c.list)
		var fault *proofs.Error
		if !errors.As(err, &fault) || fault.Class != c.class || fault.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	nothing := scope
	nothing.Emission = proofs.Uint128{}
	if _, err := Build(nil, nothing, nil); err == nil {
		t.Error("a tree of nobody")
	}
}

func TestALeafFileHasOneForm(t *testing.T) {
	e, err := Build(nil, scope, []proofs.Contribution{earns("a", "t", 10, 10)})
	if err != nil {
		t.Fatal(err)
	}
	file := e.File()
	for name, c := range map[string]struct {
		file  []byte
		class string
	}{
		"empty":            {nil, class.BadLength},
		"a byte short":     {file[1:], class.BadLength},
		"dirty padding":    {slices.Concat(file[:47], []byte{1}, file[48:]), class.DirtyPadding},
		"another order":    {slices.Concat(file[96:], file[:96]), class.NotCanonical},
		"an account twice": {slices.Concat(file[:96], file[:96]), class.NotCanonical},
		"nothing earned":   {slices.Concat(file[:32], make([]byte, 32), file[64:]), class.OutOfRange},
	} {
		_, err := ParseFile(c.file)
		var fault *proofs.Error
		if !errors.As(err, &fault) || fault.Class != c.class {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	e, err := Build(nil, scope, []proofs.Contribution{earns("a", "t", 10, 10)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.File())
	f.Fuzz(func(t *testing.T, file []byte) {
		leaves, err := ParseFile(file)
		if err == nil && !bytes.Equal((&Epoch{Leaves: leaves}).File(), file) {
			t.Fatal("two files for one list of leaves")
		}
	})
}
