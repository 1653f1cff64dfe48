package robust

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// MaxPlayers bounds the players that are compared, each with each.
const MaxPlayers = 1 << 12

// Limits say what counts as the same, in units of 1e-9. At least one is above 0.
type Limits struct {
	// Cosine joins two players whose updates have at least this cosine, whatever their lengths; 0 does
	// not look at updates, 1e9 joins what is parallel.
	Cosine int64
	// Overlap joins two players of whom the one with fewer rows has at least this share of them in
	// common with the other; 0 does not look at rows.
	Overlap int64
}

// Pair is two players and how alike they are, in units of 1e-9; players are -1 where there are no two.
type Pair struct {
	A, B       int
	Similarity int64
}

// Clusters are groups of players who count as one.
type Clusters struct {
	Of      []int   // cluster of each player
	Members [][]int // of each cluster, ascending; clusters are in the order of their lowest members
	// Cosine and Overlap are the most alike players of different clusters: what escaped the limits.
	// The first such pair where several are as alike; players of -1 where the limit is off.
	Cosine, Overlap Pair
}

// New clusters players by single link: who is alike to one member belongs to the cluster, so that
// a chain of small changes does not lead out of it. An update of zeros is alike to nobody's, whatever the
// limit. Updates and rows have an element for each player; either is nil if its limit is 0. It fails on
// limits outside 0 to 1e9, on updates of different shapes, and on what is not finite.
func New(ctx context.Context, updates [][][]float32, rows [][]Fingerprint, l Limits) (*Clusters, error) {
	c, err := newClusters(ctx, updates, rows, l)
	if err != nil {
		return nil, fmt.Errorf("robust: %w", err)
	}
	return c, nil
}

func newClusters(ctx context.Context, updates [][][]float32, rows [][]Fingerprint, l Limits) (*Clusters, error) {
	for _, f := range []struct {
		name  string
		value int64
	}{{"cosine", l.Cosine}, {"overlap", l.Overlap}} {
		if f.value < 0 || f.value > One {
			return nil, fmt.Errorf("%s: %d is outside 0 to %d", f.name, f.value, int64(One))
		}
	}
	if l == (Limits{}) {
		return nil, errors.New("limits: both are 0, and nothing would be alike")
	}
	n := len(rows)
	if l.Cosine > 0 {
		n = len(updates)
	}
	if n < 1 || n > MaxPlayers {
		return nil, fmt.Errorf("players: %d is outside 1 to %d", n, MaxPlayers)
	}
	if l.Overlap > 0 && len(rows) != n {
		return nil, fmt.Errorf("rows: of %d players, %d needed", len(rows), n)
	}
	var cosines, overlaps [][]int64
	if l.Cosine > 0 {
		squares, err := lengths(ctx, updates)
		if err != nil {
			return nil, err
		}
		cosines, err = each(ctx, n, func(i, j int) int64 { return cosine(updates[i], updates[j], squares[i], squares[j]) })
		if err != nil {
			return nil, err
		}
	}
	if l.Overlap > 0 {
		sets := distinct(rows)
		var err error
		overlaps, err = each(ctx, n, func(i, j int) int64 { return overlap(sets[i], sets[j]) })
		if err != nil {
			return nil, err
		}
	}
	c := link(n, func(i, j int) bool {
		return cosines != nil && cosines[i][j] >= l.Cosine || overlaps != nil && overlaps[i][j] >= l.Overlap
	})
	c.Cosine, c.Overlap = c.escaped(cosines), c.escaped(overlaps)
	return c, nil
}

// Grouped are n players of whom those of each list, ascending, are one cluster.
func Grouped(n int, groups [][]int) (*Clusters, error) {
	if n < 1 || n > MaxPlayers {
		return nil, fmt.Errorf("robust: players: %d is outside 1 to %d", n, MaxPlayers)
	}
	first := make(map[int]int) // of a player's group
	for k, m := range groups {
		for j, i := range m {
			if _, twice := first[i]; twice || i < 0 || i >= n || j > 0 && m[j-1] >= i {
				return nil, fmt.Errorf("robust: groups[%d]: %d is no player of %d, is twice in a group, or is not in order", k, i, n)
			}
			first[i] = m[0]
		}
	}
	return link(n, func(i, j int) bool {
		a, ok := first[i]
		b, both := first[j]
		return ok && both && a == b
	}), nil
}

// each is a similarity of all pairs: element j of row i, for j < i.
func each(ctx context.Context, n int, of func(i, j int) int64) ([][]int64, error) {
	all := make([][]int64, n)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range all {
		group.Go(func() error {
			all[i] = make([]int64, i)
			for j := range i {
				if err := ctx.Err(); err != nil {
					return err
				}
				all[i][j] = of(i, j)
			}
			return nil
		})
	}
	return all, group.Wait()
}

// link joins n players wherever two of them, j < i, are alike.
func link(n int, alike func(i, j int) bool) *Clusters {
	root := make([]int, n) // the lowest member known
	find := func(i int) int {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	for i := range n {
		root[i] = i
		for j := range i {
			if alike(i, j) {
				a, b := find(i), find(j)
				root[max(a, b)] = min(a, b)
			}
		}
	}
	c := &Clusters{Of: make([]int, n)}
	for i := range n {
		r := find(i)
		if r == i {
			c.Of[i] = len(c.Members)
			c.Members = append(c.Members, nil)
		} else {
			c.Of[i] = c.Of[r]
		}
		c.Members[c.Of[i]] = append(c.Members[c.Of[i]], i)
	}
	return c
}

// escaped is the most alike pair of players of different clusters.
func (c *Clusters) escaped(similarity [][]int64) Pair {
	most := Pair{A: -1, B: -1}
	for i, row := range similarity {
		for j, s := range row {
			if c.Of[i] != c.Of[j] && (most.A < 0 || s > most.Similarity) {
				most = Pair{A: j, B: i, Similarity: s}
			}
		}
	}
	return most
}
