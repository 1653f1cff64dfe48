package slices

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// walk is a drawn training: each element moves by noise times the rate; in segment jump it moves by far more.
func walk(seed uint64, rates []float64, jump int, far float64) *Moves {
	random := rand.New(rand.NewPCG(seed, 11))
	x := make([]float32, 256)
	m := Moves{Groups: []int{0}}
	m.Boundary([][]float32{x})
	for s, rate := range rates {
		for i := range x {
			step := rate * random.NormFloat64()
			if s == jump {
				step += far * random.NormFloat64()
			}
			x[i] += float32(step)
		}
		m.Boundary([][]float32{x})
	}
	return &m
}

func TestAJumpRanksFirstUnderAnySchedule(t *testing.T) {
	const n = 50
	schedules := map[string]func(s int) float64{
		"constant": func(int) float64 { return 0.01 },
		"cosine":   func(s int) float64 { return 0.005 * (1.001 + math.Cos(math.Pi*float64(s)/n)) },
		"warm-up":  func(s int) float64 { return 0.01 * min(1, float64(s+1)/20) },
	}
	for name, rate := range schedules {
		rates := make([]float64, n)
		for s := range rates {
			rates[s] = rate(s)
		}
		for jump := range n {
			if got := walk(uint64(jump), rates, jump, 4*max(rates[jump], 0.0001)).Rank([][]float64{rates})[0]; got != uint64(jump) {
				t.Errorf("%s: a jump in segment %d, first is %d", name, jump, got)
			}
		}
	}
}

func TestRanksAreAPermutationWhateverTheStatesHold(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	var m Moves
	for _, values := range [][]float32{{0, 0}, {0, inf}, {nan, 1}, {math.MaxFloat32, -math.MaxFloat32}, {-math.MaxFloat32, math.MaxFloat32}, {0, 0}} {
		m.Boundary([][]float32{values, {0, 0}})
	}
	m.Groups = []int{0}
	for _, rates := range [][]float64{{1, 1, 1, 1, 1}, {0, 0, 0, 0, 0}, {1e-38, 1e38, 0, 1, 2}} {
		order := slices.Sorted(slices.Values(m.Rank([][]float64{rates})))
		if !slices.Equal(order, []uint64{0, 1, 2, 3, 4}) {
			t.Errorf("%v", order)
		}
	}
}

func TestWhatNeverMovesRanksInOrder(t *testing.T) {
	var m Moves
	for range 5 {
		m.Boundary([][]float32{{1, 2, 3}})
	}
	if got := m.Rank([][]float64{{1, 1, 1, 1}}); !slices.Equal(got, []uint64{0, 1, 2, 3}) {
		t.Errorf("%d", got)
	}
}

// What a jump leads to may move as far as it likes, or not at all, for as long as it likes.
func TestWhatAJumpLeadsToDoesNotHideIt(t *testing.T) {
	for _, after := range []float32{0, 0.01, 1e6} {
		for _, rated := range []int{0, 1} {
			for jump := 1; jump < 40; jump++ {
				m, x := Moves{Groups: make([]int, rated)}, float32(0)
				rates := make([]float64, 40)
				for s := range rates {
					m.Boundary([][]float32{{x}})
					switch rates[s] = 1; {
					case s == jump:
						x += 1e4
					case s > jump:
						x += after * float32(1+s%3)
					default:
						x += 0.01 * float32(1+s%3)
					}
				}
				m.Boundary([][]float32{{x}})
				if at := slices.Index(m.Rank([][]float64{rates}), uint64(jump)); at > 1 {
					t.Errorf("a jump in segment %d, moves of %v behind it: rank %d", jump, after, at)
				}
			}
		}
	}
}

func TestAMoveWithoutARateRanksFirst(t *testing.T) {
	m := Moves{Groups: []int{0}}
	for _, x := range []float32{0, 1, 2, 3, 3.05} {
		m.Boundary([][]float32{{x}})
	}
	if got := m.Rank([][]float64{{1, 1, 1, 0}})[0]; got != 3 {
		t.Errorf("first is %d", got)
	}
}

func TestMovesHoldNoMoreThanTheSegmentsThatWereSaid(t *testing.T) {
	const n = 1000
	m := Moves{Segments: n, Groups: []int{0}}
	rates := make([]float64, n)
	for s := range n + 1 {
		m.Boundary([][]float32{{float32(s)}, {1}})
	}
	for i, moved := range m.moved {
		if len(moved) != n || cap(moved) > n+n/16 {
			t.Errorf("slice %d: room for %d of %d segments", i, cap(moved), len(moved))
		}
	}
	// Beside what it returns: score, speed and their order, once, however many slices there are.
	if got := testing.AllocsPerRun(3, func() { m.Rank([][]float64{rates}) }); got > 16 {
		t.Errorf("ranking allocates %.0f times", got)
	}
}

func TestWhatAnOptimizerRemembersIsRankedBesideParametersAndHidesNone(t *testing.T) {
	m, x := Moves{Groups: []int{0}}, []float32{0, 0}
	for s := range 21 {
		m.Boundary([][]float32{{x[0]}, {x[1]}})
		x[0] += 1
		x[1] += 1
		switch s {
		case 12, 15:
			x[0] += 9
		case 3, 6, 9, 17:
			x[1] += float32(s) * 1e3 * x[1]
		}
	}
	rates := slices.Repeat([]float64{1}, 20)
	if got := m.Rank([][]float64{rates})[:3]; !slices.Equal(got[:1], []uint64{12}) || !slices.Contains([]uint64{3, 6, 9, 17}, got[2]) {
		t.Errorf("the first three are %d", got)
	}
}

// The rates of a group say nothing of another's slices: a jump stands out where its own group no longer moves, however fast
// another does, and one that its own rate explains is none.
func TestASliceIsMeasuredByTheRatesOfItsOwnGroup(t *testing.T) {
	const n, jump = 40, 30
	rates := [][]float64{slices.Repeat([]float64{1}, n), make([]float64, n)}
	for s := range n {
		rates[1][s] = math.Pow(0.9, float64(s))
	}
	m, x := Moves{Groups: []int{1, 0}}, []float32{0, 0}
	for s := range n + 1 {
		m.Boundary([][]float32{{x[0]}, {x[1]}})
		if s < n {
			x[0] += float32(rates[1][s])
			x[1]++
		}
		if s == jump {
			x[0] += float32(1.4 * rates[1][s])
		}
	}
	if got := m.Rank(rates)[0]; got != jump {
		t.Errorf("a jump in segment %d, first is %d", jump, got)
	}
	m.Groups = []int{0, 0}
	if at := slices.Index(m.Rank(rates), jump); at < 1 {
		t.Error("it stands out by another group's rates too: the test shows nothing")
	}
}
