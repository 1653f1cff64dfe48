package policy

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/proofs"
)

// trials of each property. Each draws its policy and its epoch anew.
func trials() uint64 {
	if testing.Short() {
		return 300
	}
	return 3000
}

// scene is a policy and an epoch under it, drawn at random: small numbers, so
// that rounding, caps and clip ranges all bind often.
type scene struct {
	*rand.Rand
	p      *Policy
	claims []Measurement
}

func draw(seed uint64) *scene {
	s := &scene{Rand: rand.New(rand.NewPCG(seed, 1)), p: pot()}
	s.p.Budget = uint(1 + s.Uint64N(200))
	m := &s.p.Metrics
	m.Work = Metric{Hi: int_(s.Int64N(60)), Weight: uint(s.Uint64N(4) * s.Uint64N(1e10))}
	m.Quality = Metric{Hi: int_(s.Int64N(60)), Weight: uint(s.Uint64N(4))}
	m.Improvement = Improvement{Hi: int_(s.Int64N(30)), Lo: int_(-s.Int64N(30)), Of: Accuracy, Weight: uint(s.Uint64N(4))}
	m.Value = Value{Hi: int_(1 + s.Int64N(30)), Lo: int_(-s.Int64N(30)), Margin: uint32(s.IntN(3000)), Weight: uint(1 + s.Uint64N(4))}
	if s.IntN(2) == 0 {
		s.p.Mode, s.p.Price = Price, &Rate{Units: uint(1 + s.Uint64N(1e10)), Per: uint(1 + s.Uint64N(9))}
	}
	if s.IntN(2) == 0 {
		s.p.Caps.Work = &Rate{Units: uint(1 + s.Uint64N(9)), Per: uint(1 + s.Uint64N(9))}
	}
	if s.IntN(2) == 0 {
		s.p.Caps.Owner = &Uint{proofs.Uint(1 + s.Uint64N(60))}
	}
	if part := uint32(s.IntN(All + 1)); s.IntN(2) == 0 {
		s.p.Outside = &part
	}
	if s.IntN(4) == 0 {
		s.p.Beacon = &Hash{id(0xbe)}
	}
	s.p.Reasons = []OwnReason{{Code: 512, Name: "spam"}}
	if s.IntN(2) == 0 {
		m.Improvement.Least = &Int{proofs.Int(1 + s.Int64N(20))}
	}
	s.p.Unaudited = uint32(s.IntN(2) * s.IntN(All+1))
	for worker := range byte(1 + s.IntN(5)) {
		owner := id(1 + byte(s.IntN(3)))
		if s.IntN(8) == 0 {
			owner = proofs.Hash{}
		}
		for task := range byte(s.IntN(4)) {
			s.claims = append(s.claims, s.claim(1+worker, task, owner))
		}
	}
	return s
}

// claim is one of two slots of a task.
func (s *scene) claim(worker, task byte, owner proofs.Hash) Measurement {
	c := Measurement{
		Worker: id(worker), Task: id(task / 2), Slot: uint32(task % 2), Owner: owner, Verdict: proofs.Verdict{Kind: proofs.Accepted},
		Work: proofs.Uint(s.Uint64N(80)), Improvement: proofs.Int(s.Int64N(80) - 40),
		Value: proofs.Int(s.Int64N(80) - 40), StdErr: proofs.Uint(s.Uint64N(9)), Quality: s.Uint64N(One + 1),
	}
	if s.IntN(3) > 0 {
		c.Beacon = id(0xbe)
	}
	switch s.IntN(12) {
	case 0:
		c.Verdict = proofs.Verdict{Kind: proofs.Rejected, Reason: proofs.Mismatch}
	case 1:
		c.Verdict = proofs.Verdict{Kind: proofs.Inconclusive, Reason: proofs.Mismatch}
	case 2:
		c.Withheld = 512
	case 3:
		c.Void = true
	case 4:
		c.Verdict = proofs.Verdict{Kind: proofs.Partial, Reason: Unaudited}
	case 5:
		c.Verdict.Reason = Outside
	}
	return c
}

func score(t *testing.T, p *Policy, claims []Measurement) *Sheet {
	t.Helper()
	sheet, err := Score(p, claims)
	if err != nil {
		t.Fatal(err)
	}
	return sheet
}

// units are what the chosen awards add up to.
func units(sheet *Sheet, chosen func(a Award) bool) *big.Int {
	sum := new(big.Int)
	for _, a := range sheet.Awards {
		if chosen(a) {
			sum.Add(sum, wide(a.Units))
		}
	}
	return sum
}

func everyone(Award) bool { return true }

func by(worker proofs.Hash) func(Award) bool {
	return func(a Award) bool { return a.Worker == worker }
}

func TestUnitsAndDustAddUpToATotalWithinTheBudget(t *testing.T) {
	binds := 0
	for seed := range trials() {
		s := draw(seed)
		sheet := score(t, s.p, s.claims)
		sum := units(sheet, everyone)
		if sum.Add(sum, wide(sheet.Dust)).Cmp(wide(sheet.Total)) != 0 {
			t.Fatalf("seed %d: awards and dust are %s, total %s", seed, sum, sheet.Total)
		}
		if sheet.Total.Cmp(s.p.Budget.Uint128) > 0 {
			t.Fatalf("seed %d: total %s above the budget %s", seed, sheet.Total, s.p.Budget)
		}
		if sheet.Total == s.p.Budget.Uint128 {
			binds++
		}
		if wide(sheet.Dust).Cmp(big.NewInt(2*5)) >= 0 {
			t.Fatalf("seed %d: dust of %s with 5 workers at most", seed, sheet.Dust)
		}
	}
	if binds < int(trials()/10) {
		t.Errorf("the budget was reached in %d of %d trials: the property is hardly tried", binds, trials())
	}
}

func TestOnlyAnAcceptedClaimEarnsAndAnUnauditedOneWhatThePolicySays(t *testing.T) {
	for seed := range trials() {
		s := draw(seed)
		awards := score(t, s.p, s.claims).Awards
		if len(awards) != len(s.claims) {
			t.Fatalf("seed %d: %d awards for %d claims", seed, len(awards), len(s.claims))
		}
		for _, c := range s.claims {
			i := slices.IndexFunc(awards, func(a Award) bool { return a.Worker == c.Worker && a.Task == c.Task && a.Slot == c.Slot })
			a := awards[i]
			unaudited := c.Verdict.Kind == proofs.Partial && s.p.Unaudited > 0
			earns := (c.Verdict.Kind == proofs.Accepted || unaudited) && c.Withheld == proofs.NoReason && !c.Void &&
				(s.p.Caps.Owner == nil || c.Owner != proofs.Hash{})
			if !earns && (a.Units != proofs.Uint128{} || a.Points != proofs.Uint128{}) {
				t.Fatalf("seed %d: %+v earns %s", seed, c, a.Units)
			}
			if c.Verdict.Kind > proofs.Partial && a.Verdict != c.Verdict {
				t.Fatalf("seed %d: verdict %s became %s", seed, c.Verdict, a.Verdict)
			}
			if a.Verdict.Kind != c.Verdict.Kind {
				t.Fatalf("seed %d: kind %s became %s", seed, c.Verdict, a.Verdict)
			}
			if a.Units == (proofs.Uint128{}) && a.Verdict.Reason == proofs.NoReason {
				t.Fatalf("seed %d: nothing earned, and no reason given", seed)
			}
		}
	}
}

// TestWhatRestsOnAFixedBeaconEarnsNothingWhereThePolicyNamesAChain: nor does
// what rests on a chain that the policy does not name, and the pot is for the others.
func TestWhatRestsOnAFixedBeaconEarnsNothingWhereThePolicyNamesAChain(t *testing.T) {
	claims := func() (all []Measurement) {
		for i, chain := range []proofs.Hash{{}, id(0xbe), id(0xbf)} {
			all = append(all, Measurement{Worker: id(byte(1 + i)), Task: id(1), Verdict: proofs.Verdict{Kind: proofs.Accepted}, Beacon: chain, Work: proofs.Uint(50)})
		}
		return append(all, Measurement{Worker: id(9), Task: id(1), Verdict: proofs.Verdict{Kind: proofs.Rejected, Reason: proofs.Mismatch}})
	}
	p := pot()
	for _, a := range score(t, p, claims()).Awards[:3] {
		if a.Verdict.Reason == WrongBeacon || a.Units == (proofs.Uint128{}) {
			t.Errorf("a policy that names no chain pays %s units, reason %s", a.Units, p.ReasonName(a.Verdict))
		}
	}
	p.Beacon = &Hash{id(0xbe)}
	sheet := score(t, p, claims())
	for i, want := range []string{"beacon", "", "beacon", "mismatch"} {
		a := sheet.Awards[i]
		if got := p.ReasonName(a.Verdict); got != want || (a.Units != proofs.Uint128{}) != (want == "") {
			t.Errorf("claim %d: %s units, reason %q, want %q", i, a.Units, got, want)
		}
	}
	if sheet.Awards[1].Units != p.Budget.Uint128 {
		t.Errorf("the one claim on the policy's chain gets %s of a pot of %s", sheet.Awards[1].Units, p.Budget.Uint128)
	}
}

func TestTheOrderOfClaimsMakesNoDifference(t *testing.T) {
	for seed := range trials() {
		s := draw(seed)
		want := score(t, s.p, s.claims)
		shuffled := slices.Clone(s.claims)
		s.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		got := score(t, s.p, shuffled)
		if got.Total != want.Total || got.Dust != want.Dust || !slices.Equal(got.Awards, want.Awards) {
			t.Fatalf("seed %d: %+v, in another order %+v", seed, want, got)
		}
	}
}

// TestAWorkerNeverLosesByABetterMetric raises one metric of one claim.
func TestAWorkerNeverLosesByABetterMetric(t *testing.T) {
	rises := map[string]int{}
	for seed := range trials() {
		s := draw(seed)
		if len(s.claims) == 0 {
			continue
		}
		c := &s.claims[s.IntN(len(s.claims))]
		before := score(t, s.p, s.claims)
		old := *c
		for metric, raise := range map[string]func(){
			"work":        func() { c.Work.Lo += 1 + s.Uint64N(40) },
			"improvement": func() { c.Improvement = proofs.Int(int64(c.Improvement.Lo) + 1 + s.Int64N(40)) },
			"value":       func() { c.Value = proofs.Int(int64(c.Value.Lo) + 1 + s.Int64N(40)) },
			"quality":     func() { c.Quality += s.Uint64N(One - c.Quality + 1) },
			"certainty":   func() { c.StdErr.Lo -= s.Uint64N(c.StdErr.Lo + 1) },
		} {
			*c = old
			raise()
			after := score(t, s.p, s.claims)
			was, is := units(before, by(c.Worker)), units(after, by(c.Worker))
			switch is.Cmp(was) {
			case -1:
				t.Fatalf("seed %d: more %s, from %+v to %+v: %s units became %s", seed, metric, old, *c, was, is)
			case 1:
				rises[metric]++
			}
		}
	}
	for _, metric := range []string{"work", "improvement", "value", "quality", "certainty"} {
		if rises[metric] == 0 {
			t.Errorf("more %s never earned more: the property is not tried", metric)
		}
	}
}

// TestSplittingAnIdentityNeverGains lets one worker hand its verified claims
// out to any number of new identities: of the same owner or, where the roster
// does not know the new ones, of none.
func TestSplittingAnIdentityNeverGains(t *testing.T) {
	loses := 0
	for seed := range trials() {
		s := draw(seed)
		if len(s.claims) == 0 {
			continue
		}
		worker := s.claims[s.IntN(len(s.claims))].Worker
		whole := units(score(t, s.p, s.claims), by(worker))
		split := slices.Clone(s.claims)
		for i := range split {
			if split[i].Worker == worker {
				split[i].Worker = id(100 + byte(s.IntN(3)))
				if s.IntN(10) == 0 {
					split[i].Owner = proofs.Hash{} // not on the roster
				}
			}
		}
		parts := units(score(t, s.p, split), func(a Award) bool { return a.Worker[0] >= 100 })
		switch parts.Cmp(whole) {
		case 1:
			t.Fatalf("seed %d: %s units as one, %s split", seed, whole, parts)
		case -1:
			loses++
		}
	}
	if loses == 0 {
		t.Error("no split ever cost anything: the property is hardly tried")
	}
}

// TestAnOwnerGainsNothingByMoreWorkers hands an owner's claims out to more of
// its own workers, under a flat cap for owners.
func TestAnOwnerGainsNothingByMoreWorkers(t *testing.T) {
	for seed := range trials() {
		s := draw(seed)
		s.p.Caps.Owner = &Uint{proofs.Uint(1 + s.Uint64N(60))}
		owner := id(1)
		for i := range s.claims {
			if s.claims[i].Owner == owner {
				s.claims[i].Worker, s.claims[i].Task = id(50), id(byte(i))
			}
		}
		whole := units(score(t, s.p, s.claims), by(id(50)))
		for i := range s.claims {
			if s.claims[i].Owner == owner {
				s.claims[i].Worker = id(100 + byte(s.IntN(4)))
			}
		}
		parts := units(score(t, s.p, s.claims), func(a Award) bool { return a.Worker[0] >= 100 })
		if parts.Cmp(whole) > 0 {
			t.Fatalf("seed %d: %s units as one worker, %s as more", seed, whole, parts)
		}
		if whole.Cmp(s.p.Caps.Owner.big()) > 0 {
			t.Fatalf("seed %d: %s units under a cap of %s", seed, whole, s.p.Caps.Owner)
		}
	}
}

// TestWhatNobodyEarnsIsNotEmitted: who holds the dust account gains less than a
// unit an identity and a worker by what anybody fails to earn.
func TestWhatNobodyEarnsIsNotEmitted(t *testing.T) {
	p := pot()
	failed := Measurement{Worker: id(1), Task: id(1), Verdict: proofs.Verdict{Kind: proofs.Rejected, Reason: proofs.NotOpened},
		Work: proofs.Uint(1 << 40), Quality: One}
	sheet := score(t, p, []Measurement{failed})
	if (sheet.Total != proofs.Uint128{} || sheet.Dust != proofs.Uint128{}) {
		t.Errorf("an epoch of failures emits %s, %s of it dust", sheet.Total, sheet.Dust)
	}
	p.Caps.Work = &Rate{Units: uint(3), Per: uint(1)}
	passed := failed
	passed.Verdict, passed.Work = proofs.Verdict{Kind: proofs.Accepted}, proofs.Uint(2)
	sheet = score(t, p, []Measurement{passed})
	if sheet.Total != proofs.Uint(6) || (sheet.Dust != proofs.Uint128{}) || sheet.Awards[0].Verdict.Reason != Capped {
		t.Errorf("above its cap: %+v", sheet)
	}
}

// TestTheReasonsSayWhyNoMoreWasEarned has one claim for each reason.
func TestTheReasonsSayWhyNoMoreWasEarned(t *testing.T) {
	accepted := proofs.Verdict{Kind: proofs.Accepted}
	claim := Measurement{Worker: id(1), Task: id(1), Owner: id(9), Verdict: accepted, Work: proofs.Uint(100 * One)}
	giant := claim
	giant.Worker, giant.Work = id(2), proofs.Uint(1<<50)
	for name, c := range map[string]struct {
		change func(p *Policy, c *Measurement)
		others []Measurement
	}{
		"":           {change: func(*Policy, *Measurement) {}},
		"unlisted":   {change: func(p *Policy, c *Measurement) { p.Caps.Owner, c.Owner = &Uint{proofs.Uint(1)}, proofs.Hash{} }},
		"no-points":  {change: func(_ *Policy, c *Measurement) { c.Work = proofs.Uint(0) }},
		"capped":     {change: func(p *Policy, _ *Measurement) { p.Caps.Owner = &Uint{proofs.Uint(1)} }},
		"rounded":    {change: func(p *Policy, _ *Measurement) { p.Budget = uint(5) }, others: []Measurement{giant}},
		"budget":     {change: func(p *Policy, _ *Measurement) { p.Mode, p.Price = Price, &Rate{uint(1), uint(1 << 60)} }},
		"clipped":    {change: func(p *Policy, c *Measurement) { p.Metrics.Work.Hi = int_(7) }},
		"unimproved": {change: func(p *Policy, c *Measurement) { p.Metrics.Improvement.Least = &Int{proofs.Int(1)} }},
		"voided":     {change: func(_ *Policy, c *Measurement) { c.Void, c.Withheld = true, 512 }},
		"unaudited": {change: func(p *Policy, c *Measurement) {
			c.Verdict = proofs.Verdict{Kind: proofs.Partial, Reason: Unaudited}
			p.Unaudited = 1000
		}},
		"outside":        {change: func(_ *Policy, c *Measurement) { c.Verdict.Reason = Outside }},
		"duplicate-data": {change: func(p *Policy, c *Measurement) { c.Withheld = 512 }},
		"mismatch": {change: func(_ *Policy, c *Measurement) {
			c.Verdict = proofs.Verdict{Kind: proofs.Rejected, Reason: proofs.Mismatch}
		}},
	} {
		p, mine := pot(), claim
		p.Reasons = []OwnReason{{512, "duplicate-data"}}
		c.change(p, &mine)
		sheet := score(t, p, append([]Measurement{mine}, c.others...))
		if got := p.ReasonName(sheet.Awards[0].Verdict); got != name {
			t.Errorf("%s instead of %q", got, name)
		}
	}
}

func TestAPolicyMayPayLessForAClaimNotedOutsideTheGate(t *testing.T) {
	accepted := Measurement{Worker: id(1), Task: id(1), Verdict: proofs.Verdict{Kind: proofs.Accepted}, Work: proofs.Uint(10 * One)}
	noted := accepted
	noted.Worker, noted.Verdict.Reason = id(2), Outside
	quarter := uint32(All / 4)
	for part, want := range map[*uint32]uint64{nil: 50, &quarter: 20} {
		p := pot()
		p.Budget, p.Outside = uint(100), part
		sheet := score(t, p, []Measurement{accepted, noted})
		if got := units(sheet, by(id(2))); got.Uint64() != want || sheet.Awards[1].Verdict.Reason != Outside {
			t.Errorf("%s units as %s, want %d", got, sheet.Awards[1].Verdict, want)
		}
	}
	p, above := pot(), uint32(All+1)
	if p.Outside = &above; p.Check() == nil {
		t.Error("more than all")
	}
}

func TestOperationsCountOnlyOnceTheImprovementIsThatTheyNeed(t *testing.T) {
	p := pot()
	p.Mode, p.Price = Price, &Rate{Units: uint(1), Per: uint(1)}
	p.Metrics.Improvement = Improvement{Hi: int_(5 * One), Least: &Int{proofs.Int(1000)}, Of: Loss}
	p.Metrics.Quality = Metric{Hi: int_(1 << 50), Weight: uint(2)}
	claim := Measurement{Worker: id(1), Task: id(1), Verdict: proofs.Verdict{Kind: proofs.Accepted}, Work: proofs.Uint(10 * One), Quality: One}
	for improvement, want := range map[int64]uint64{-5: 0, 0: 0, 999: 0, 1000: 50, 1 << 40: 50} {
		claim.Improvement = proofs.Int(improvement)
		if got := score(t, p, []Measurement{claim}).Awards[0]; got.Units != proofs.Uint(want) || (got.Verdict.Reason == Unimproved) != (want == 0) {
			t.Errorf("improvement %d: %+v, want %d units", improvement, got, want)
		}
	}
	p.Metrics.Improvement.Least = nil
	claim.Improvement = proofs.Int(-5)
	if got := score(t, p, []Measurement{claim}).Awards[0]; got.Units != proofs.Uint(50) {
		t.Errorf("where nothing is demanded: %+v", got)
	}
}

func TestAnUnauditedClaimEarnsThePartThatThePolicySaysAndByDefaultNothing(t *testing.T) {
	p := pot()
	p.Mode, p.Price = Price, &Rate{Units: uint(1), Per: uint(1)}
	claim := Measurement{Worker: id(1), Task: id(1), Verdict: proofs.Verdict{Kind: proofs.Partial, Reason: Unaudited}, Work: proofs.Uint(100 * One)}
	for part, want := range map[uint32]uint64{0: 0, 1: 0, 250_000: 75, 999_999: 299, All: 300} {
		p.Unaudited = part
		got := score(t, p, []Measurement{claim}).Awards[0]
		if got.Units != proofs.Uint(want) || got.Verdict != claim.Verdict {
			t.Errorf("%d millionths: %+v, want %d units", part, got, want)
		}
	}
}

func TestAnEpochThatNoProofCanStateIsRefused(t *testing.T) {
	good := Measurement{Worker: id(1), Task: id(1), Verdict: proofs.Verdict{Kind: proofs.Accepted}}
	partial, better, withheld, zero := good, good, good, good
	partial.Verdict.Kind = proofs.Partial
	better.Quality = One + 1
	withheld.Withheld = 512
	zero.Verdict = proofs.Verdict{}
	for name, claims := range map[string][]Measurement{
		"twice": {good, good}, "partial": {partial}, "quality": {better}, "withheld": {withheld}, "no verdict": {zero},
		"too many": make([]Measurement, MaxClaims+1),
	} {
		if _, err := Score(pot(), claims); err == nil {
			t.Errorf("%s: was scored", name)
		}
	}
}

// TestTheLargestNumbersFit scores the extremes of every width.
func TestTheLargestNumbersFit(t *testing.T) {
	p := pot()
	most := proofs.Uint128{Hi: 1<<64 - 1, Lo: 1<<64 - 1}
	p.Budget, p.Mode, p.Price = Uint{most}, Price, &Rate{Units: Uint{most}, Per: uint(1)}
	p.Metrics.Work = Metric{Hi: Int{proofs.Int128{Hi: 1<<60 - 1, Lo: 1<<64 - 1}}, Weight: uint(2)}
	var claims []Measurement
	for i := range byte(4) {
		claims = append(claims, Measurement{Worker: id(i), Task: id(1), Verdict: proofs.Verdict{Kind: proofs.Accepted}, Work: most,
			Improvement: proofs.Int128{Hi: -1 << 63}, Value: proofs.Int128{Hi: 1<<63 - 1}, StdErr: most, Quality: One})
	}
	sheet := score(t, p, claims)
	if sum := units(sheet, everyone); sum.Add(sum, wide(sheet.Dust)).Cmp(wide(most)) != 0 || sheet.Total != most {
		t.Errorf("total %s, awards and dust %s", sheet.Total, sum)
	}
}
