package robust

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// SameDirection is the cosine from which on two updates, or an update and the opposite of another, count as one
// player's when a round is prepared. Joining honest workers costs them nothing: they have their mean with the rows of all.
const SameDirection = 990_000_000

// Prepared is a round that can be paid for: see Prepare.
type Prepared struct {
	Updates [][][]float32 // of each player
	Sizes   []uint64      // likewise
	// Clusters are the players that count as one. The lowest member plays for all of them, the others have an update
	// of zeros and no rows, which are worth exactly 0; Split gives each its part of what the lowest is worth.
	Clusters *Clusters
	Lengths  []float64 // of the players' updates before they were made equal; NaN of one that is not finite
	Median   float64   // the length of all of them now
}

// Prepare makes a round one in which nobody is paid more for what he calls himself, or for how far he went:
//
//   - Players of one owner, and players whose updates have a cosine of at least SameDirection or at most its opposite, are one
//     player: the mean of their updates, weighted by rows, with the rows of all. The round's model is the same. Owners has a name for each
//     player, "" for none, or is nil.
//   - Every update that is not zero has the same length, the median of all lengths, weighted by rows: the least that covers half of
//     the rows. Whoever has fewer than half cannot move it past the honest ones.
//
// Then what a row can bring is bounded by the best direction of that length, whatever the rows are called: whoever sets two updates
// against each other, so that one of them is worth less than nothing and the other much, gains nothing by it.
//
// An update that is not finite stays as it is, for the round to isolate; one of an owner makes that of all the owner's players so.
func Prepare(ctx context.Context, updates [][][]float32, sizes []uint64, owners []string) (*Prepared, error) {
	p, err := prepare(ctx, updates, sizes, owners)
	if err != nil {
		return nil, fmt.Errorf("robust: prepare: %w", err)
	}
	return p, nil
}

func prepare(ctx context.Context, updates [][][]float32, sizes []uint64, owners []string) (*Prepared, error) {
	n := len(updates)
	if n < 1 || n > MaxPlayers {
		return nil, fmt.Errorf("players: %d is outside 1 to %d", n, MaxPlayers)
	}
	if len(sizes) != n || owners != nil && len(owners) != n {
		return nil, fmt.Errorf("sizes, owners: %d and %d given for %d players", len(sizes), len(owners), n)
	}
	squares, err := lengthsOf(ctx, updates)
	if err != nil {
		return nil, err
	}
	cosines, err := each(ctx, n, func(i, j int) int64 {
		if math.IsNaN(squares[i]) || math.IsNaN(squares[j]) {
			return 0
		}
		return cosine(updates[i], updates[j], squares[i], squares[j])
	})
	if err != nil {
		return nil, err
	}
	p := &Prepared{Updates: slices.Clone(updates), Sizes: slices.Clone(sizes)}
	p.Clusters = link(n, func(i, j int) bool {
		return owners != nil && owners[i] != "" && owners[i] == owners[j] || max(cosines[i][j], -cosines[i][j]) >= SameDirection
	})
	for _, m := range p.Clusters.Members {
		if len(m) > 1 {
			if err := p.join(m); err != nil {
				return nil, err
			}
		}
	}
	if p.Lengths, err = lengthsOf(ctx, p.Updates); err != nil {
		return nil, err
	}
	for i, s := range p.Lengths {
		p.Lengths[i] = math.Sqrt(s)
	}
	p.Median = p.median()
	for i, u := range p.Updates {
		if p.Lengths[i] > 0 { // neither zeros nor without a length
			p.Updates[i] = scaled(u, p.Median)
		}
	}
	return p, nil
}

// join has the lowest of some players play for all of them.
func (p *Prepared) join(members []int) error {
	weights, total := make([]float64, len(members)), uint64(0)
	for _, i := range members {
		if total > math.MaxUint64-p.Sizes[i] {
			return fmt.Errorf("sizes[%d]: the sum is above the limit 2^64", i)
		}
		total += p.Sizes[i]
	}
	for k, i := range members {
		if weights[k] = 1 / float64(len(members)); total > 0 {
			weights[k] = float64(p.Sizes[i]) / float64(total)
		}
	}
	mean := zeros(p.Updates[members[0]])
	for k, t := range mean {
		for e := range t {
			sum := 0.0
			for j, i := range members {
				sum += float64(weights[j] * float64(p.Updates[i][k][e]))
			}
			t[e] = float32(sum)
		}
	}
	for _, i := range members {
		p.Updates[i], p.Sizes[i] = zeros(mean), 0
	}
	p.Updates[members[0]], p.Sizes[members[0]] = mean, total
	return nil
}

// median is the least length that covers half of the rows of those that have one; 0 if nobody has.
func (p *Prepared) median() float64 {
	var order []int
	total := 0.0
	for i, l := range p.Lengths {
		if l > 0 && p.Sizes[i] > 0 {
			order, total = append(order, i), total+float64(p.Sizes[i])
		}
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(p.Lengths[a], p.Lengths[b]), a-b) })
	sum := 0.0
	for _, i := range order {
		if sum += float64(p.Sizes[i]); 2*sum >= total {
			return p.Lengths[i]
		}
	}
	return 0
}

// Joined are the clusters of more than one player.
func (p *Prepared) Joined() [][]int {
	var all [][]int
	for _, m := range p.Clusters.Members {
		if len(m) > 1 {
			all = append(all, m)
		}
	}
	return all
}
