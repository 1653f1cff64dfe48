package head

import (
	"context"
	"fmt"
	"math/bits"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/verifyd/verifyd/shapley"
)

// packed holds margins. The margin of row r over another class c is the logit of r's label less that of
// c, less 1 if c comes before the label: a row is right if none of its margins is negative. A word holds
// the margins of several rows over their k-th other class, each plus half its range; word (w,k) is at
// w*(classes-1)+k. Sums of words are sums of margins, lane by lane, as long as none leaves its range: a
// borrow from a negative contribution and the carry of its sum cancel.
type packed struct {
	others int      // classes but the label's: words in a row
	signs  uint64   // the highest bit of each lane
	last   uint64   // signs of the last word's rows
	base   []uint64 // margins of nobody's logits
	none   []uint64 // a contribution of nothing
	add    [][]uint64
	remove [][]uint64 // 0 - add
	shares []int64    // the utility of as many right rows
}

// gray is how many players' coalitions one task walks.
const gray = 10

// Exact is the utility of each of the 2^n coalitions, n at most shapley.MaxExact: element m is that of
// the coalition with the bits m. 0 threads take runtime.GOMAXPROCS(0).
func (g *Game) Exact(ctx context.Context, threads int) (shapley.Table, error) {
	n := len(g.players)
	if n > shapley.MaxExact {
		return nil, fmt.Errorf("head: players: %d is outside 1 to %d", n, shapley.MaxExact)
	}
	if threads < 0 {
		return nil, fmt.Errorf("head: threads: %d is negative", threads)
	}
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p := g.pack()
	out := make(shapley.Table, 1<<n)
	low := min(n, gray)
	tasks := int64(1) << (n - low)
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(int64(threads), tasks) {
		group.Go(func() error {
			sum := make([]uint64, len(p.base))
			for t := next.Add(1) - 1; t < tasks; t = next.Add(1) - 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				p.walk(sum, uint64(t)<<low, low, out)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

// walk sets the utilities of the coalitions that have high's players and any of the first low.
func (p *packed) walk(sum []uint64, high uint64, low int, out []int64) {
	copy(sum, p.base)
	for m := high; m != 0; m &= m - 1 {
		for w, v := range p.add[bits.TrailingZeros64(m)] {
			sum[w] += v
		}
	}
	out[high] = p.step(sum, p.none)
	at := high
	for k := uint64(1); k < 1<<low; k++ {
		i := bits.TrailingZeros64(k)
		at ^= 1 << i
		if at>>i&1 != 0 {
			out[at] = p.step(sum, p.add[i])
		} else {
			out[at] = p.step(sum, p.remove[i])
		}
	}
}

// step adds a contribution and is the share of the right rows.
func (p *packed) step(sum, by []uint64) int64 {
	n, k := 0, p.others
	by = by[:len(sum)]
	for ; len(sum) > k; sum, by = sum[k:], by[k:] {
		n += bits.OnesCount64(addAnd(sum[:k], by[:k]) & p.signs)
	}
	return p.shares[n+bits.OnesCount64(addAnd(sum, by)&p.last)]
}

// addAnd adds by to sum and is the conjunction of the sums.
func addAnd(sum, by []uint64) uint64 {
	all := ^uint64(0)
	by = by[:len(sum)]
	for len(sum) >= 4 && len(by) >= 4 {
		a, b, c, d := sum[0]+by[0], sum[1]+by[1], sum[2]+by[2], sum[3]+by[3]
		sum[0], sum[1], sum[2], sum[3] = a, b, c, d
		all &= a & b & c & d
		sum, by = sum[4:], by[4:]
	}
	for k, v := range by {
		sum[k] += v
		all &= sum[k]
	}
	return all
}

// pack chooses the lanes and fills them.
func (g *Game) pack() *packed {
	base := g.margins(g.base, true)
	players := make([][]int32, len(g.players))
	reach := make([]int64, len(base))
	top := int64(0)
	for i, v := range base {
		reach[i] = magnitude(v)
	}
	for p, logits := range g.players {
		players[p] = g.margins(logits, false)
		for i, v := range players[p] {
			reach[i] += magnitude(v)
		}
	}
	for _, v := range reach {
		top = max(top, v)
	}
	width := 32
	if top < 1<<15 {
		width = 16
	}
	lanes := 64 / width
	p := &packed{others: g.classes - 1, shares: make([]int64, len(g.labels)+1)}
	for n := range p.shares {
		p.shares[n] = shapley.ShareOf(int64(n), int64(len(g.labels)))
	}
	for l := range lanes {
		p.signs |= 1 << (width*l + width - 1)
	}
	p.last = p.signs
	if used := len(g.labels) % lanes; used > 0 {
		p.last &= 1<<(width*used) - 1
	}
	p.base = p.lanes(base, width)
	p.none = make([]uint64, len(p.base))
	for k := range p.base {
		p.base[k] += p.signs
	}
	for _, m := range players {
		add := p.lanes(m, width)
		remove := make([]uint64, len(add))
		for k, v := range add {
			remove[k] = -v
		}
		p.add, p.remove = append(p.add, add), append(p.remove, remove)
	}
	return p
}

// margins are a row's over each other class, rows x (classes-1); ties count only for a base, once.
func (g *Game) margins(logits []int32, ties bool) []int32 {
	m := make([]int32, 0, len(g.labels)*(g.classes-1))
	for r, y := range g.labels {
		row := logits[r*g.classes : (r+1)*g.classes]
		for c, v := range row {
			if c == int(y) {
				continue
			}
			d := row[y] - v
			if ties && c < int(y) {
				d--
			}
			m = append(m, d)
		}
	}
	return m
}

// lanes packs margins: the sum of each times two to the power of its lane's place, modulo 2^64.
func (p *packed) lanes(margins []int32, width int) []uint64 {
	rows, per := len(margins)/p.others, 64/width
	words := make([]uint64, (rows+per-1)/per*p.others)
	for i, v := range margins {
		r, k := i/p.others, i%p.others
		words[r/per*p.others+k] += uint64(int64(v)) << (width * (r % per))
	}
	return words
}
