package odds_test

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/odds"
)

// usual are the terms of a job of n segments with everything left as it is, at a cost in parts of the pay.
func usual(n uint64, cost *big.Rat) odds.Terms {
	least, most := odds.Usual(n)
	return odds.Terms{
		Pay: big.NewRat(1, 1), Cost: cost, Bond: new(big.Rat), Hold: odds.DefaultHold, Segments: n, Least: least, Most: most,
		Audit: big.NewRat(1, 1), Miss: new(big.Rat), Power: new(big.Rat),
	}
}

// flat are terms that draw the same number of everybody.
func flat(n, k uint64, cost *big.Rat) odds.Terms {
	t := usual(n, cost)
	t.Least, t.Most = k, k
	return t
}

func float(r *big.Rat) float64 { f, _ := r.Float64(); return f }

func TestAThirdOfAllFalseClaimsIsPaidWhereEverybodyIsDrawnAlike(t *testing.T) {
	c := flat(1000, 50, big.NewRat(1, 2)).NewKeys()
	if want := math.Pow(0.95, 21); math.Abs(float(c.Paid)-want) > 1e-15 || want < 0.34 || want > 0.341 {
		t.Errorf("%v, want %v", float(c.Paid), want)
	}
	// So what costs more than 0.66 of its pay is not deterred by what is drawn alone.
	for cost, met := range map[int64]bool{65: true, 66: false, 100: false} {
		if got := flat(1000, 50, big.NewRat(cost, 100)).NewKeys().Met(); got != met {
			t.Errorf("cost 0.%d: %v", cost, got)
		}
	}
}

func TestLiesUnderNewKeysEarnWhatTheFormulaSaysAndNeverMoreByRounding(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		n := 1 + draw.Uint64N(60)
		u := flat(n, 1+draw.Uint64N(n), big.NewRat(draw.Int64N(15), 10))
		u.Hold, u.Bond, u.Audit = draw.Uint64N(12), big.NewRat(draw.Int64N(40), 10), big.NewRat(1+draw.Int64N(10), 10)
		p := u.Fails(u.Hold)
		want := new(big.Rat).Set(u.Pay)
		for range u.Hold + 1 {
			want.Mul(want, new(big.Rat).Sub(big.NewRat(1, 1), p))
		}
		want.Sub(want, new(big.Rat).Mul(p, u.Bond))
		if honest := new(big.Rat).Sub(u.Pay, u.Cost); honest.Sign() > 0 {
			want.Sub(want, honest)
		}
		got := u.NewKeys().Gain
		over := new(big.Rat).Sub(got, want)
		// Rounded up, by far less than 2^-200.
		if over.Sign() < 0 || over.Cmp(new(big.Rat).SetFrac(big.NewInt(1), new(big.Int).Lsh(big.NewInt(1), 200))) > 0 {
			t.Fatalf("%+v: %v over %v", u, float(over), float(want))
		}
	}
}

func TestTheDefaultsLetNoLiePayForAnyCostUpToThePay(t *testing.T) {
	for _, n := range []uint64{1, 3, 20, 50, 73, 1000, odds.MaxDrawn} {
		for cost := int64(0); cost <= 100; cost++ {
			if u := usual(n, big.NewRat(cost, 100)); !u.Meets() || u.Check() != nil {
				t.Fatalf("%d segments, cost 0.%02d: gains %v and %v, %v", n, cost, float(u.EachClaim().Gain), float(u.NewKeys().Gain), u.Check())
			}
		}
		if u := usual(n, big.NewRat(101, 100)); u.EachClaim().Met() {
			t.Errorf("%d segments: a lie that saves more than all that a new key can lose does not pay", n)
		}
	}
	// Of a longer claim no more can be drawn than the format has, so a new key needs a bond.
	long := usual(odds.MaxDrawn+1, big.NewRat(1, 1))
	if bonded := long.WithBond(); long.Meets() || !bonded.Meets() || bonded.Bond.Sign() <= 0 {
		t.Errorf("%v, then with a bond of %v: %v", long.Meets(), bonded.Bond, bonded.Meets())
	}
}

// best is what the cleverest worker earns in so many claims, free to work, lie, stay away or begin again under a new
// key before each, knowing the rule. What is held at the end is paid, also that of keys that were left.
func best(u odds.Terms, claims int) float64 {
	r, c, s, h := float(u.Pay), float(u.Cost), float(u.Bond), u.Hold
	next := make([]float64, h+1)
	for n := range next {
		next[n] = float64(n) * r
	}
	for range claims {
		now := make([]float64, h+1)
		for n := range now {
			pass := next[min(uint64(n)+1, h)]
			if uint64(n) == h {
				pass += r // the oldest one is paid
			}
			p := float(u.Fails(uint64(n)))
			now[n] = max(pass-c, (1-p)*pass+p*(next[0]-s), next[n])
		}
		for n := range now {
			now[n] = max(now[n], now[0]+float64(n)*r)
		}
		next = now
	}
	return next[0]
}

func TestNoChoiceBetweenWorkAndLiesEarnsMoreThanWorkWhereEachClaimMeetsItsCondition(t *testing.T) {
	draw := rand.New(rand.NewPCG(3, 4))
	met, missed := 0, 0
	for range 2000 {
		n := 1 + draw.Uint64N(40)
		u := usual(n, big.NewRat(draw.Int64N(101), 100))
		u.Least = 1 + draw.Uint64N(n)
		u.Most = u.Least + draw.Uint64N(n-u.Least+1)
		u.Hold = draw.Uint64N(8)
		u.Bond, u.Audit = big.NewRat(draw.Int64N(20), 10), big.NewRat(1+draw.Int64N(10), 10)
		u.Miss, u.Power = big.NewRat(draw.Int64N(5), 20), big.NewRat(draw.Int64N(10), 10)
		const claims = 60
		honest := claims * float(new(big.Rat).Sub(u.Pay, u.Cost))
		gain := best(u, claims) - honest
		switch each := u.EachClaim(); {
		case each.Met():
			met++
			if gain > 1e-9 || float(u.NewKeys().Gain) > 1e-70 || !u.Meets() {
				t.Fatalf("%+v: %v more than honest work, new keys %v", u, gain, float(u.NewKeys().Gain))
			}
		case float(each.Gain) > 1e-9:
			missed++
			if gain < float(each.Gain)-1e-9 {
				t.Fatalf("%+v: a lie gains %v, and the best plan %v", u, float(each.Gain), gain)
			}
		}
	}
	if met < 200 || missed < 200 {
		t.Errorf("%d met and %d missed: the terms are drawn badly", met, missed)
	}
}

// burst is what a worker gains over work who tells lies in so many claims at once, none of them judged before all are
// received, and drawn as many segments as drawn says for the i-th.
func burst(u odds.Terms, claims uint64, drawn func(i uint64) uint64) float64 {
	r, gain := float(u.Pay), 0.0
	// alive[n] is the probability that so many claims are held when the next one is judged.
	held := map[uint64]float64{u.Hold: 1}
	for i := range claims {
		p := float(odds.Caught(u.Segments, min(drawn(i), u.Segments), 1))
		next := map[uint64]float64{}
		for n, of := range held {
			gain += of * (float(u.Cost) - p*(r*float64(n+1)+float(u.Bond)))
			next[min(n+1, u.Hold)] += of * (1 - p)
			next[0] += of * p
		}
		held = next
	}
	return gain
}

func TestManyLiesToldAtOnceDoNotPayIfClaimsToBeJudgedAreTakenOff(t *testing.T) {
	u := usual(100, big.NewRat(1, 1))
	for claims := uint64(1); claims <= 60; claims++ {
		drawn := func(i uint64) uint64 { return odds.Drawn(u.Least, u.Most, u.Hold-min(i, u.Hold)) }
		if gain := burst(u, claims, drawn); gain > 1e-9 {
			t.Errorf("%d lies at once gain %v", claims, gain)
		}
	}
	careless := func(uint64) uint64 { return u.Least }
	if gain := burst(u, 200, careless); gain < 1 {
		t.Errorf("drawn as if nothing were in flight they gain %v: this test shows nothing", gain)
	}
}

func TestWhatIsDrawnFallsFromMostToLeastAndCoversWhatALieSaves(t *testing.T) {
	for held, want := range map[uint64]uint64{0: 100, 1: 50, 2: 34, 3: 25, 18: 6, 19: 5, 20: 5, 1 << 40: 5} {
		if got := odds.Drawn(5, 100, held); got != want {
			t.Errorf("%d held: %d drawn, want %d", held, got, want)
		}
	}
	if got := odds.Drawn(7, 7, 0); got != 7 {
		t.Errorf("%d of a range of one number", got)
	}
}

func TestTermsThatCannotBeAreRefusedByField(t *testing.T) {
	for field, change := range map[string]func(*odds.Terms){
		"pay": func(u *odds.Terms) { u.Pay = big.NewRat(-1, 1) }, "cost": func(u *odds.Terms) { u.Cost = nil },
		"bond": func(u *odds.Terms) { u.Bond = big.NewRat(-1, 9) }, "hold": func(u *odds.Terms) { u.Hold = odds.MaxHold + 1 },
		"segments": func(u *odds.Terms) { u.Segments = 0 }, "sampled.least": func(u *odds.Terms) { u.Least = 0 },
		"sampled.most": func(u *odds.Terms) { u.Most = u.Least - 1 }, "audit": func(u *odds.Terms) { u.Audit = new(big.Rat) },
		"miss": func(u *odds.Terms) { u.Miss = big.NewRat(1, 1) }, "power": func(u *odds.Terms) { u.Power = big.NewRat(11, 10) },
	} {
		u := usual(100, big.NewRat(1, 2))
		change(&u)
		var refused *fault.Error
		if err := u.Check(); !errors.As(err, &refused) || refused.Class != fault.OutOfRange || refused.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestWhatIsLeftOpenIsFilledInSoThatNoLiePays(t *testing.T) {
	draw := rand.New(rand.NewPCG(5, 6))
	for range 120 {
		u := usual(1+draw.Uint64N(6000), big.NewRat(draw.Int64N(150), 100))
		u.Audit, u.Miss, u.Power = big.NewRat(1+draw.Int64N(10), 10), big.NewRat(draw.Int64N(5), 100), big.NewRat(draw.Int64N(10), 10)
		solved, err := u.Solve(true, true, true)
		if err != nil || !solved.Meets() || solved.Hold != odds.DefaultHold {
			t.Fatalf("%+v: %+v, %v", u, solved, err)
		}
		if solved.Bond.Sign() == 0 && u.Cost.Sign() > 0 {
			// One segment less of a worker with a clean record, or of a new key, and it is the usual number or a lie pays.
			less := solved
			if less.Most > less.Least {
				if less.Most--; less.Meets() {
					t.Fatalf("%+v: %d would do", solved, less.Most)
				}
			}
		}
		// With the usual draw and hold, a bond alone does it, and a little less does not.
		bonded := u.WithBond()
		if !bonded.Meets() {
			t.Fatalf("%+v misses", bonded)
		}
		if less := new(big.Rat).Sub(bonded.Bond, big.NewRat(1, 500_000)); less.Sign() > 0 {
			if bonded.Bond = less; bonded.Meets() {
				t.Fatalf("%+v would do", bonded)
			}
		}
	}
}

func TestAHoldThatIsLongEnoughIsFound(t *testing.T) {
	u := flat(1000, 50, big.NewRat(9, 10))
	got, ok := u.WithHold()
	if !ok || !got.OneLie().Met() || !got.NewKeys().Met() {
		t.Fatalf("%+v, %v", got, ok)
	}
	// Of 0.95^(h+1) R no more may be left than 0.1 R.
	if want := uint64(44); got.Hold != want {
		t.Errorf("%d claims, want %d", got.Hold, want)
	}
	if got, ok := flat(1000, 50, big.NewRat(2, 1)).WithHold(); ok {
		t.Errorf("%d claims: where no honest work pays, no hold brings what lies earn under new keys to nothing", got.Hold)
	}
}

func TestTermsThatNothingMeetsAreRefused(t *testing.T) {
	u := usual(100, big.NewRat(3, 2))
	if _, err := u.WithDrawn(); err == nil {
		t.Error("a first lie saves more than all that it can lose, and no number drawn changes that")
	}
	given, err := u.Solve(true, true, false)
	if err != nil || given.Meets() || given.Bond.Sign() != 0 {
		t.Errorf("%+v, %v: a bond that was given is kept", given, err)
	}
}
