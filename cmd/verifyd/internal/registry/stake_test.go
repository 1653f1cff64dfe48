package registry

import (
	"testing"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

// holding is a history of claims that pass, each recorded a second after the one before and held for two further ones.
func holding(claims uint32) (h History) {
	for i := range claims {
		j := passed(i)
		j.Hold, j.Until, j.Arrived, j.Recorded = 2, 5000, 1000+int64(i), 1001+int64(i)
		h = append(h, j)
	}
	return h
}

func TestOnlyPayThatIsHeldIsAtStake(t *testing.T) {
	fails := func(h History) History {
		last := h[len(h)-1]
		last.Slot.Slot, last.Outcome, last.Arrived, last.Recorded = 99, verify.Fail, last.Recorded, last.Recorded+1
		return append(h, last)
	}
	unaudited := func(h History) History {
		last := h[len(h)-1]
		last.Slot.Slot, last.Outcome = 98, verify.Inconclusive
		return append(h, last)
	}
	noted := func(h History) History {
		h[len(h)-1].Note = verify.NoteOutside
		return h
	}
	for what, c := range map[string]struct {
		h        History
		work     uint64
		at       int64
		expected uint64
	}{
		"nothing judged":                          {nil, 100, 1500, 0},
		"one":                                     {holding(1), 100, 1500, 1},
		"as many as are held":                     {holding(2), 100, 1500, 2},
		"more: the others are paid":               {holding(9), 100, 1500, 2},
		"after their time":                        {holding(2), 100, 5000, 0},
		"of half the work":                        {holding(2), 200, 1500, 1},
		"of twice the work":                       {holding(2), 50, 1500, 2},
		"a FAIL voids them":                       {fails(holding(2)), 100, 1500, 0},
		"what was not decided pays nobody":        {unaudited(holding(2)), 100, 1500, 2},
		"a note, for which a policy may pay less": {noted(holding(2)), 100, 1500, 1},
		"a claim without work":                    {holding(2), 0, 1500, 0},
		"paid at once, by a job that holds none":  {History{passed(0), passed(1)}, 100, 1500, 0},
		"a FAIL that was recorded of another one": {append(fails(holding(1)), holding(2)[1:]...), 100, 1500, 0},
	} {
		if got := c.h.Held(operations(c.work), c.at); got != c.expected {
			t.Errorf("%s: %d, want %d", what, got, c.expected)
		}
	}
}

func TestClaimsOfAKeyWaitUntilTheyAreJudged(t *testing.T) {
	r := fresh(t)
	received(t, r, 3)
	pending := func(want int) {
		t.Helper()
		if got, err := r.Pending(t.Context(), slot.Worker); got != want || err != nil {
			t.Errorf("%d, %v, want %d", got, err, want)
		}
	}
	pending(3)
	elsewhere := member
	elsewhere.Pool = merkle.Hash{77}
	for i, m := range []Member{member, elsewhere} {
		if _, err := r.Judge(m, passed(uint32(i))); err != nil {
			t.Fatal(err)
		}
	}
	pending(1)
	if got, err := r.Pending(t.Context(), merkle.Hash{1, 2, 3}); got != 0 || err != nil {
		t.Errorf("another's: %d, %v", got, err)
	}
}
