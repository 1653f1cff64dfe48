package walk

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// lie is a claim with false segments, and what the gate says of the states between them.
type lie struct {
	n, k    uint64
	false   []uint64
	outside func(uint64) bool
	ranked  []uint64
}

// found walks over the claim of a number, and says whether a false segment is replayed, and how many are.
func (l lie) found(t testing.TB, number uint64) (bool, int) {
	trail := newWalk(t, number, l.n, l.k, l.ranked).Walk(func(s uint64) Standing {
		switch {
		case slices.Contains(l.false, s):
			return End
		case l.outside(s):
			return Outside
		}
		return Inside
	})
	return trail.Ended, len(trail.Order)
}

// rate is how often the lie is found in so many challenges.
func (l lie) rate(t testing.TB, rounds uint64) float64 {
	found := 0
	for number := range rounds {
		if ok, _ := l.found(t, number); ok {
			found++
		}
	}
	return float64(found) / float64(rounds)
}

// between says that a segment begins behind the jump in segment from and not behind that in segment to.
func between(from, to uint64) func(uint64) bool {
	return func(s uint64) bool { return s > from && s <= to }
}

func TestOneJumpIsReplayedWheneverASegmentBehindItIsDrawn(t *testing.T) {
	const n, k = 50, 5
	for jump := range uint64(n - 1) {
		l := lie{n: n, k: k, false: []uint64{jump}, outside: between(jump, n)}
		if got := l.rate(t, 50); got != 1 { // the last segment is always replayed, and outside
			t.Fatalf("a jump in segment %d is replayed with %.2f", jump, got)
		}
	}
}

func TestAJumpThereAndBackIsReplayedWheneverASegmentBetweenIsDrawn(t *testing.T) {
	const n, k = 50, 5
	for from := uint64(0); from < n; from += 3 {
		for to := from + 1; to < n-1; to += 3 {
			l := lie{n: n, k: k, false: []uint64{from, to}, outside: between(from, to)}
			for number := range uint64(60) {
				hit := slices.ContainsFunc(drawn(seedOf(number), n, k), l.outside)
				if ok, _ := l.found(t, number); hit && !ok {
					t.Fatalf("from %d to %d, challenge %d: a segment between is drawn, and no jump replayed", from, to, number)
				}
			}
		}
	}
}

func TestALaunchStateIsFoundBehindTheFlipThatItLeadsTo(t *testing.T) {
	const n, k = 50, 5
	// Segment 20 jumps into a state inside the gate, from which honest steps lead outside in segment 24. It moved far, and
	// three honest segments moved farther.
	l := lie{n: n, k: k, false: []uint64{20}, outside: between(23, n), ranked: rankedFirst(n, 0, 1, 2, 20)}
	if got := l.rate(t, 400); got != 1 {
		t.Errorf("replayed with %.3f", got)
	}
	l.ranked = rankedFirst(n, 49, 48, 47, 46, 45, 20) // what lies behind the flip does not matter
	if got := l.rate(t, 400); got != 1 {
		t.Errorf("replayed with %.3f", got)
	}
}

func TestNoDecoyKeepsThePathFromTheLieBehindIt(t *testing.T) {
	const n, k = 50, 5
	// An honest flip near the end, by states that fall outside for one segment: where the path ends, the seed decides.
	l := lie{n: n, k: k, false: []uint64{10, 48}, outside: func(s uint64) bool { return s > 10 && s <= 48 && s != 30 }}
	if got := l.rate(t, 1000); got < 0.98 {
		t.Errorf("replayed with %.3f", got)
	}
}

func TestHonestWorkWithOneSegmentOutsideInAThousandCostsLittle(t *testing.T) {
	const n, k, rounds = 200, 10, 4000
	replayed, walks := 0, 0
	for number := range uint64(rounds) {
		l := lie{n: n, k: k, outside: noise(number, 0.001)}
		found, length := l.found(t, number)
		if found {
			t.Fatalf("challenge %d: an honest claim is found false", number)
		}
		if replayed += length; length > k+1+Directed {
			walks++
		}
	}
	mean := float64(replayed) / rounds
	t.Logf("%.2f of %d segments replayed, %.2f %% of the claims walked further", mean, n, 100*float64(walks)/rounds)
	if mean > (k+1)*1.1 || walks > rounds/50 {
		t.Errorf("%.2f segments a claim, %d of %d claims walked further", mean, walks, rounds)
	}
}

// noise says of a share of the segments that they are outside.
func noise(number uint64, share float64) func(uint64) bool {
	return func(s uint64) bool { return rand.New(rand.NewPCG(number, s)).Float64() < share }
}

// TestALieIsReplayedAsOftenAsTheGateSees draws jumps and a gate that sees a cheap state with a probability, and raises one
// honest segment in 1,000. The rates are those of the walk, not of the gate.
func TestALieIsReplayedAsOftenAsTheGateSees(t *testing.T) {
	const n, k, rounds = 50, 5, 2000
	for _, c := range []struct {
		sees    float64
		stretch uint64 // segments between the two jumps; 0 stays to the end
		least   float64
	}{
		{1, 0, 1}, {0.95, 0, 0.95}, {0.8, 0, 0.85}, {0.5, 0, 0.6},
		{1, 40, 0.99}, {1, 25, 0.95}, {1, 12, 0.75}, {1, 5, 0.4}, {0.8, 25, 0.85},
	} {
		found := 0
		for number := range uint64(rounds) {
			r := rand.New(rand.NewPCG(number, 7))
			l := lie{n: n, k: k, false: []uint64{r.Uint64N(n / 2)}}
			cheap := between(l.false[0], n)
			if c.stretch > 0 {
				from := r.Uint64N(n - 1 - c.stretch)
				l.false = []uint64{from, from + c.stretch}
				cheap = between(from, from+c.stretch)
			}
			sees, honest := noise(number, c.sees), noise(number, 0.001)
			l.outside = func(s uint64) bool { return cheap(s) && sees(s) || !cheap(s) && honest(s) }
			if ok, _ := l.found(t, number); ok {
				found++
			}
		}
		rate := float64(found) / rounds
		t.Logf("the gate sees %.2f, %d segments between: replayed with %.3f", c.sees, c.stretch, rate)
		if rate < c.least {
			t.Errorf("the gate sees %.2f, %d segments between: replayed with %.3f, want %.2f", c.sees, c.stretch, rate, c.least)
		}
	}
}
