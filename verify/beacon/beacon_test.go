package beacon

import (
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Round 1000 of quicknet, as published by the League of Entropy.
var round1000 = Beacon{
	Chain: Quicknet,
	Round: 1000,
	Value: "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
}

func TestAQuicknetRoundIsCheckedWithoutANetwork(t *testing.T) {
	got, err := Chain{Name: Quicknet}.Randomness(round1000, 1000)
	if err != nil {
		t.Fatal(err)
	}
	const want = "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd"
	if got.String() != want {
		t.Errorf("randomness %v, want %v", got, want)
	}
}

func TestAnyOtherValueForARoundIsRefused(t *testing.T) {
	quicknet := Chain{Name: Quicknet}
	fixed, revealed := NewFixed([32]byte{1, 2, 3})
	_, other := NewFixed([32]byte{9})
	with := func(b Beacon, change func(*Beacon)) Beacon { change(&b); return b }
	for name, c := range map[string]struct {
		chain Chain
		b     Beacon
		round uint64
		words string
		class fault.Class
	}{
		"another round asked":   {quicknet, round1000, 1001, "round: 1000, 1001 is due", fault.WrongRound},
		"round relabelled":      {quicknet, with(round1000, func(b *Beacon) { b.Round = 999 }), 999, "not quicknet's signature of round 999", fault.BadBeacon},
		"bit flipped":           {quicknet, with(round1000, func(b *Beacon) { b.Value = b.Value[:95] + "8" }), 1000, "value", fault.BadForm},
		"truncated":             {quicknet, with(round1000, func(b *Beacon) { b.Value = b.Value[:94] }), 1000, "47 bytes", fault.BadLength},
		"infinity":              {quicknet, with(round1000, func(b *Beacon) { b.Value = "c0" + strings.Repeat("00", 47) }), 1000, "infinity", fault.BadBeacon},
		"upper case":            {quicknet, with(round1000, func(b *Beacon) { b.Value = strings.ToUpper(b.Value) }), 1000, "lower-case", fault.BadForm},
		"not hexadecimal":       {quicknet, with(round1000, func(b *Beacon) { b.Value = "zz" }), 1000, "lower-case", fault.BadForm},
		"fixed for quicknet":    {quicknet, revealed, 1, "chain", fault.WrongRound},
		"quicknet for fixed":    {fixed, round1000, 1000, "chain", fault.WrongRound},
		"another fixed value":   {fixed, other, 1, "commits", fault.BadBeacon},
		"another fixed round":   {fixed, with(revealed, func(b *Beacon) { b.Round = 2 }), 1, "round", fault.WrongRound},
		"a short fixed value":   {fixed, with(revealed, func(b *Beacon) { b.Value = "00" }), 1, "1 bytes, 32", fault.BadLength},
		"a fixed chain unbound": {Chain{Name: Fixed}, revealed, 1, "commits", fault.BadBeacon},
	} {
		if _, err := c.chain.Randomness(c.b, c.round); err == nil || !strings.Contains(err.Error(), c.words) || fault.Of(err) != c.class {
			t.Errorf("%s: %v of class %s", name, err, fault.Of(err))
		}
	}
}

func TestAFixedChainRevealsTheValueThatTheJobCommitsTo(t *testing.T) {
	chain, b := NewFixed([32]byte{7})
	got, err := chain.Randomness(b, chain.RoundAt(1<<40))
	if err != nil || got != (merkle.Hash{7}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestADrandChainHasDrandsHashAndAFixedOneHasNone(t *testing.T) {
	const published = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971" // by quicknet's /info
	if got := (Chain{Name: Quicknet}).Hash(); got.String() != published {
		t.Errorf("quicknet is %v, want %s", got, published)
	}
	if fixed, _ := NewFixed([32]byte{7}); fixed.Hash() != (merkle.Hash{}) {
		t.Errorf("a fixed chain is %v, want zero", fixed.Hash())
	}
}

func TestTheRoundIsTheFirstAtOrAfterATime(t *testing.T) {
	for unix, want := range map[int64]uint64{
		0:                      1,
		quicknetGenesis:        1,
		quicknetGenesis + 1:    2,
		quicknetGenesis + 3:    2,
		quicknetGenesis + 4:    3,
		quicknetGenesis + 2997: 1000,
		quicknetGenesis + 2998: 1001,
	} {
		if got := (Chain{Name: Quicknet}).RoundAt(unix); got != want {
			t.Errorf("time %d: round %d, want %d", unix, got, want)
		}
	}
}

func TestUnknownChainsAreRefused(t *testing.T) {
	for _, c := range []Chain{{}, {Name: "mainnet"}, {Name: Fixed}, {Name: Quicknet, Commitment: &merkle.Hash{}}} {
		if c.Check() == nil {
			t.Errorf("%+v accepted", c)
		}
	}
	fixed, _ := NewFixed([32]byte{})
	for _, c := range []Chain{fixed, {Name: Quicknet}} {
		if err := c.Check(); err != nil {
			t.Error(err)
		}
	}
}

func FuzzRandomness(f *testing.F) {
	f.Add(round1000.Value, uint64(1000))
	f.Add("c0"+strings.Repeat("00", 47), uint64(1))
	fixed, revealed := NewFixed([32]byte{7})
	f.Add(revealed.Value, uint64(1))
	f.Fuzz(func(t *testing.T, value string, round uint64) {
		for _, c := range []Chain{{Name: Quicknet}, fixed} {
			_, err := c.Randomness(Beacon{Chain: c.Name, Round: round, Value: value}, round)
			if err == nil && value != round1000.Value && value != revealed.Value {
				t.Fatalf("%s: forged value %q for round %d", c.Name, value, round)
			}
		}
	})
}
