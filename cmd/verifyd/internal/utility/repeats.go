package utility

import "github.com/verifyd/verifyd/shapley"

// mostKept bounds the coalitions that may be asked for again.
const mostKept = 64

// repeats draw, from the run's seed, coalitions that were answered before, to be asked for again. The one of everybody, which is the
// likeliest to show a utility that is left to chance, is asked for again with the first question after its answer.
type repeats struct {
	seed   shapley.Seed
	every  int // coalitions to one of these; 0 for none
	n      int // players
	kept   map[string]int64
	order  []shapley.Coalition // of kept
	seen   uint32              // coalitions that might have been kept
	drawn  uint64              // questions
	whole  bool                // everybody has been answered
	proven bool                // and asked for again
}

func key(c shapley.Coalition) string {
	b := make([]byte, 0, 8*len(c))
	for _, w := range c {
		for shift := 0; shift < 64; shift += 8 {
			b = append(b, byte(w>>shift))
		}
	}
	return string(b)
}

// keep remembers an answer, or does not: each of all coalitions is as likely to be among those kept (reservoir sampling), but for
// that of everybody, which stays.
func (r *repeats) keep(c shapley.Coalition, u int64) {
	k := key(c)
	if _, known := r.kept[k]; known || r.every == 0 {
		return
	}
	r.whole = r.whole || c.Size() == r.n
	if r.seen++; len(r.order) < mostKept {
		r.order = append(r.order, c.Clone())
		r.kept[k] = u
		return
	}
	at := r.number(uint64(r.seen)<<1|1, r.seen)
	if at >= mostKept || r.order[at].Size() == r.n {
		return
	}
	delete(r.kept, key(r.order[at]))
	r.order[at] = c.Clone()
	r.kept[k] = u
}

// draw is what is asked for again with a question of so many coalitions.
func (r *repeats) draw(coalitions int) (again []shapley.Coalition) {
	if r.every == 0 || len(r.order) == 0 {
		return nil
	}
	if r.whole && !r.proven {
		r.proven = true
		again = append(again, shapley.Everyone(r.n))
	}
	draws := make([]uint32, coalitions)
	r.seed.Draws(r.drawn<<1, uint64(r.every)*mostKept, draws)
	r.drawn++
	for _, d := range draws {
		if d < mostKept {
			again = append(again, r.order[int(d)%len(r.order)])
		}
	}
	return again
}

// number is drawn below n.
func (r *repeats) number(index uint64, n uint32) uint32 {
	one := make([]uint32, 1)
	r.seed.Draws(index, uint64(n), one)
	return one[0]
}
