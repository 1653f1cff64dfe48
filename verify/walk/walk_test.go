package walk

import (
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/verify/draw"
	"github.com/verifyd/verifyd/verify/merkle"
)

// seedOf is the challenge of a number.
func seedOf(number uint64) (h merkle.Hash) {
	binary.LittleEndian.PutUint64(h[:], number)
	return h
}

// drawn is what a challenge asks for: k of n segments and the last one.
func drawn(seed merkle.Hash, n, k uint64) []uint64 {
	list := draw.New(seed).Sample(n, min(k, n))
	if !slices.Contains(list, n-1) {
		list = append(list, n-1)
	}
	return list
}

func newWalk(t testing.TB, number, n, k uint64, ranked []uint64) *Walk {
	t.Helper()
	seed := seedOf(number)
	w, err := New(seed, n, k, drawn(seed, n, k), ranked)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// rankedFirst is a ranking with some segments before all others.
func rankedFirst(n uint64, first ...uint64) []uint64 {
	list := slices.Clone(first)
	for s := range n {
		if !slices.Contains(first, s) {
			list = append(list, s)
		}
	}
	return list
}

// known is a claim whose segments are all true.
func known(outside func(uint64) bool) func(uint64) Standing {
	return func(s uint64) Standing {
		if outside(s) {
			return Outside
		}
		return Inside
	}
}

// check is what holds of every walk over true segments.
func check(t *testing.T, w *Walk, trail Trail, outside func(uint64) bool) {
	t.Helper()
	if !trail.Done || trail.Ended || len(trail.Need) > 0 {
		t.Fatalf("not over: %+v", trail)
	}
	sorted := slices.Sorted(slices.Values(trail.Order))
	if len(slices.Compact(sorted)) != len(trail.Order) {
		t.Fatalf("a segment twice: %d", trail.Order)
	}
	if most := Most(w.n, w.k, w.k+1); uint64(len(trail.Order)) > most {
		t.Fatalf("%d segments of %d walked, at most %d are promised", len(trail.Order), w.n, most)
	}
	if sorted[len(sorted)-1] >= w.n {
		t.Fatalf("segment %d of %d", sorted[len(sorted)-1], w.n)
	}
	for _, p := range trail.Paths {
		began := p.Flip == 0 || !outside(p.Flip)
		if !p.Over || !began || !outside(p.Flip+1) || !slices.Contains(trail.Order, p.Flip) {
			t.Fatalf("path from %d ends at %d, which leads not from inside to outside: %+v", p.From, p.Flip, p)
		}
		for _, l := range p.Legs {
			if q := quarter(l.Hi - l.Lo); l.Pivot < l.Lo+q || l.Pivot > l.Hi-q {
				t.Fatalf("pivot %d lies outside the middle half of %d to %d", l.Pivot, l.Lo, l.Hi)
			}
		}
	}
	if n := len(trail.Outside); (n > 0) != (len(trail.Paths) == 2) {
		t.Fatalf("%d outside, %d paths", n, len(trail.Paths))
	}
}

func TestEveryWalkEndsWithinItsBoundAtAFlipWhateverTheGateSays(t *testing.T) {
	for n := uint64(1); n <= 8; n++ {
		for set := range uint64(1) << n {
			for seed := range uint64(4) {
				outside := func(s uint64) bool { return set>>s&1 == 1 }
				w := newWalk(t, seed, n, 1+seed%3, rankedFirst(n, set%n))
				check(t, w, w.Walk(known(outside)), outside)
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for seed := range uint64(3000) {
		n, share := 1+r.Uint64N(2000), r.Float64()
		var noise uint64 = r.Uint64()
		outside := func(s uint64) bool { return rand.New(rand.NewPCG(noise, s)).Float64() < share }
		w := newWalk(t, seed, n, 1+r.Uint64N(12), rankedFirst(n, r.Uint64N(n)))
		check(t, w, w.Walk(known(outside)), outside)
	}
}

func TestTheBoundIsTheLongestPathThatTheGateCanLay(t *testing.T) {
	longest := []uint64{0, 0, 0, 1, 2, 3, 3, 4, 4} // by n: the gap is n-1 at most
	for n := uint64(1); n < uint64(len(longest)); n++ {
		if got := depth(n); got != longest[n] {
			t.Errorf("depth(%d) = %d, want %d", n, got, longest[n])
		}
	}
	for n := uint64(2); n <= 1<<24; n = n*3/2 + 1 {
		if most := uint64(math.Ceil(math.Log(float64(n)) / math.Log(4.0/3))); depth(n) > most {
			t.Errorf("depth(%d) = %d, above the logarithm, %d", n, depth(n), most)
		}
	}
	if got := Most(1000, 50, 51); got != 51+3+2*(depth(1000)+1)+3+200 {
		t.Errorf("Most(1000, 50) = %d", got)
	}
	if got := Most(1<<24, 4096, 4097); got != 4097+3+2*(depth(1<<24)+1)+3+2048 {
		t.Errorf("Most(1<<24, 4096) = %d", got)
	}
	if got := Most(20, 5, 6); got != 20 {
		t.Errorf("Most(20, 5) = %d: there are no more segments than 20", got)
	}
}

func TestAWalkIsTheSameInWhateverOrderSegmentsBecomeKnown(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for seed := range uint64(400) {
		n := 2 + r.Uint64N(200)
		share, noise := r.Float64()/4, r.Uint64()
		all := known(func(s uint64) bool { return rand.New(rand.NewPCG(noise, s)).Float64() < share })
		w := newWalk(t, seed, n, 1+r.Uint64N(6), rankedFirst(n, r.Uint64N(n)))
		whole := w.Walk(all)
		have := map[uint64]bool{}
		for s := range n { // some that nobody asked for
			have[s] = r.IntN(10) == 0
		}
		for rounds := 0; ; rounds++ {
			trail := w.Walk(func(s uint64) Standing {
				if !have[s] {
					return Unknown
				}
				return all(s)
			})
			if trail.Done {
				if !slices.Equal(trail.Order, whole.Order) || !slices.Equal(trail.Outside, whole.Outside) {
					t.Fatalf("seed %d: %d, want %d", seed, trail.Order, whole.Order)
				}
				break
			}
			if len(trail.Need) == 0 || rounds > int(n) {
				t.Fatalf("seed %d: neither done nor anything needed: %+v", seed, trail)
			}
			have[trail.Need[r.IntN(len(trail.Need))]] = true
		}
	}
}

func TestWhoFollowsAWalkIsAskedOnceForEachOfItsSegments(t *testing.T) {
	for seed := range uint64(100) {
		standing := known(func(s uint64) bool { return rand.New(rand.NewPCG(seed, s)).Float64() < 0.3 })
		w := newWalk(t, seed, 200, 5, nil)
		whole := w.Walk(standing).Order
		var asked []uint64
		trail, err := w.Follow(func(s uint64) (Standing, error) {
			asked = append(asked, s)
			return standing(s), nil
		})
		if err != nil || !trail.Done || !slices.Equal(trail.Order, whole) || !slices.Equal(asked, whole) {
			t.Fatalf("seed %d: asked for %d, walked %d, want %d: %v", seed, asked, trail.Order, whole, err)
		}
		trail, err = w.Follow(func(s uint64) (Standing, error) {
			if s == whole[len(whole)-1] {
				return Unknown, os.ErrPermission
			}
			return standing(s), nil
		})
		if !errors.Is(err, os.ErrPermission) || trail.Done {
			t.Fatalf("seed %d: %+v, %v", seed, trail, err)
		}
	}
}

func TestASegmentThatEndsTheWalkEndsItThereAndNothingBehindItCounts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for seed := range uint64(400) {
		n := 2 + r.Uint64N(100)
		share, noise := r.Float64()/4, r.Uint64()
		all := known(func(s uint64) bool { return rand.New(rand.NewPCG(noise, s)).Float64() < share })
		w := newWalk(t, seed, n, 1+r.Uint64N(6), nil)
		whole := w.Walk(all).Order
		at := r.IntN(len(whole))
		trail := w.Walk(func(s uint64) Standing {
			if s == whole[at] || slices.Contains(whole[at+1:], s) && s%2 == 0 {
				return End
			}
			return all(s)
		})
		if !trail.Ended || trail.Done || !slices.Equal(trail.Order, whole[:at+1]) {
			t.Fatalf("seed %d: %d, the walk %d ends at %d", seed, trail.Order, whole, whole[at])
		}
	}
}

func TestTheStartIsInsideWhateverTheGateSays(t *testing.T) {
	w := newWalk(t, 1, 4, 4, nil)
	if trail := w.Walk(known(func(s uint64) bool { return s == 0 })); !trail.Done || len(trail.Outside) > 0 || len(trail.Paths) > 0 {
		t.Errorf("%+v", trail)
	}
}

func TestWhatMovedMostIsWalkedFromTheBeginning(t *testing.T) {
	w := newWalk(t, 1, 100, 5, rankedFirst(100, 99, 42, 17, 3, 80))
	if got := w.Directed(); !slices.Equal(got, []uint64{3, 17, 42}) { // 99 is walked anyway
		t.Errorf("%d directed", got)
	}
	if got := w.Walk(known(func(uint64) bool { return false })).Order; !slices.Equal(got, w.First()) || !slices.IsSorted(got) || len(got) != 9 {
		t.Errorf("an honest walk: %d", got)
	}
}
