package study

import (
	"context"
	"errors"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

// Half of the digits' training rows are the workers'. The others and the validation rows are committed to, but for the last, which nobody knows:
// they say what an update is worth.
const (
	workersRows = 720
	unknownRows = 200
	committed   = 1797 - workersRows - unknownRows
	few, many   = 10, 40 // of them, to a worker whom they leaked to
	draws       = 10     // rounds of a leak
	leakSteps   = 4      // times as many steps as honest ones, on what leaked
)

// The attacks that take training or the validation rows.
const (
	recoded    = "recoded labels"
	outlier    = "outlier row"
	oneStep    = "one step"
	leaked     = "10 rows leaked"
	leakedMany = "40 rows leaked"
	leakedAll  = "all rows leaked"
)

// The attacker and who helps it: workers like the others.
const (
	attacker = 4
	partner  = 5
)

// arena is a round that is attacked.
type arena struct {
	setting  setting
	pool     examples // committed, then unknown
	round    *round.Round
	options  Options
	gradient [][]float32 // of the rows that leaked
	made     []robust.Made
}

func newArena(ctx context.Context, o Options) (*arena, error) {
	s, err := mlpSetting("", 0.5, 5, 8)
	if err != nil {
		return nil, err
	}
	a := &arena{options: o, pool: s.train.some(between(workersRows, s.train.rows)).and(s.val)}
	s.train = s.train.some(between(0, workersRows))
	s.class = s.train.y
	a.setting = s
	if a.round, err = s.play(ctx, o); err != nil {
		return nil, err
	}
	ro := round.Options{Device: o.Device}
	if a.gradient, err = round.Gradient(ctx, a.judged(a.known(few)), ro); err != nil {
		return nil, err
	}
	own := s.train.some(dealt(s.class, s.workers, s.key)[attacker])
	for _, m := range []struct {
		name  string
		rows  examples
		steps int
	}{{recoded, own.recoded(s.classes()), s.steps}, {outlier, own.outlying(), s.steps}, {oneStep, own, 1}} {
		update, err := a.trained(ctx, m.rows, m.steps)
		if err != nil {
			return nil, err
		}
		a.made = append(a.made, robust.Made{Name: m.name, Update: update})
	}
	judged := a.judged(a.drawn(0))
	simulated, err := valuation.Attacked(ctx, &judged, ro, attacker, partner, shapley.Seed{0xa7})
	if err != nil {
		return nil, err
	}
	for _, m := range simulated.Made {
		if m.Name == valuation.MadeSurrogate {
			a.made = append(a.made, m)
		}
	}
	return a, nil
}

// and is rows followed by others.
func (e examples) and(other examples) examples {
	e.x.F, e.y = slices.Concat(e.x.F, other.x.F), slices.Concat(e.y, other.y)
	e.rows += other.rows
	return e
}

// recoded is the rows with each label the next one.
func (e examples) recoded(classes int32) examples {
	e.y = slices.Clone(e.y)
	for i := range e.y {
		e.y[i] = (e.y[i] + 1) % classes
	}
	return e
}

// outlying is the rows with the first one a thousand times as bright.
func (e examples) outlying() examples {
	e.x.F = slices.Clone(e.x.F)
	for i := range e.x.F[:e.in] {
		e.x.F[i] *= 1000
	}
	return e
}

func between(lo, hi int) []int {
	var rows []int
	for i := lo; i < hi; i++ {
		rows = append(rows, i)
	}
	return rows
}

// drawn are the committed rows of a round.
func (a *arena) drawn(index int) []int {
	s := &source{key: a.setting.key, name: 100 + uint32(index)}
	return slices.Sorted(slices.Values(s.shuffled(committed)[:valuation.RecommendedRows]))
}

// order is that in which the committed rows leak.
func (a *arena) order() []int {
	s := &source{key: a.setting.key, name: 99}
	return s.shuffled(committed)
}

// known are so many committed rows.
func (a *arena) known(n int) []int { return a.order()[:n] }

// judged is the round on rows of the pool.
func (a *arena) judged(rows []int) round.Round {
	e, r := a.pool.some(rows), *a.round
	r.X, r.Y = e.x, kernels.Buf{I: e.y}
	return r
}

// trained is the update of so many steps on rows.
func (a *arena) trained(ctx context.Context, e examples, steps int) ([][]float32, error) {
	plan, err := program.Compile(a.setting.program, kernels.ProfileF32)
	if err != nil {
		return nil, err
	}
	cpu, ok := engine.Host(a.options.Device)
	if !ok {
		return nil, errors.New("study: no processor is given")
	}
	m, err := program.NewMachine(plan, cpu, 0)
	if err != nil {
		return nil, err
	}
	after, err := trained(ctx, m, a.round.Base, e, steps)
	if err != nil {
		return nil, err
	}
	for k, t := range after {
		for i := range t {
			t[i] -= a.round.Base[k][i]
		}
	}
	return after, nil
}

// scenario is the round, judged by rows of the pool, with updates that were made.
func (a *arena) scenario(ctx context.Context, rows []int, made []robust.Made) robust.Scenario {
	judged, ro := a.judged(rows), round.Options{Device: a.options.Device}
	played := func(updates [][][]float32, sizes []uint64) round.Round {
		again := judged
		again.Updates, again.Sizes = updates, sizes
		return again
	}
	return robust.Scenario{
		Updates: a.round.Updates, Sizes: a.round.Sizes, Attacker: attacker, Partner: partner, Seed: shapley.Seed{0xa7}, Made: made,
		Play: func(updates [][][]float32, sizes []uint64, prepared bool) (shapley.Game, error) {
			playing := ro
			playing.Harmless = prepared
			return round.New(ctx, played(updates, sizes), playing)
		},
		Closed: func(updates [][][]float32, sizes []uint64) ([]int64, error) {
			s, err := round.SecondOrder(ctx, played(updates, sizes), ro)
			if err != nil {
				return nil, err
			}
			return s.Values, nil
		},
	}
}

// worth is what each attack is worth on rows that nobody knew, over what the attacker is worth there without it.
func (a *arena) worth(ctx context.Context, made []robust.Made) (map[string]*big.Rat, error) {
	s := a.scenario(ctx, between(committed, a.pool.rows), made)
	s.Gradient = a.gradient
	outcomes, err := robust.Simulate(ctx, s, []robust.Way{exact})
	if err != nil {
		return nil, err
	}
	gains := map[string]*big.Rat{}
	for _, x := range outcomes {
		gains[x.Attack] = x.Gain
	}
	return gains, nil
}

// only is the outcome of the one update that was made.
func (a *arena) only(ctx context.Context, rows []int, made []robust.Made, way robust.Way) (*robust.Outcome, error) {
	s := a.scenario(ctx, rows, made)
	s.Only = made[0].Name
	outcomes, err := robust.Simulate(ctx, s, []robust.Way{way})
	if err != nil {
		return nil, err
	}
	return &outcomes[0], nil
}
