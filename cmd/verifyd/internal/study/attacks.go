package study

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/robust"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

// The committed validation rows of the study are the first of the digits' 357. The others nobody knows: they say what an update is worth.
const (
	committed = 257
	drawnRows = 128 // of them, for a round
	knownRows = 20  // of them, to a worker whom they leaked to
	draws     = 8   // rounds of the leak
)

// The attacks that take training or the validation rows.
const (
	recoded   = "recoded labels"
	outlier   = "an outlier row"
	surrogate = "gaming the surrogate"
	leak      = "leaked rows"
	leakAll   = "all rows known"
)

// arena is a round that is attacked.
type arena struct {
	setting setting
	round   *round.Round
	options Options
}

// attacks is what attacks bring through valuation, score and policy: as a policy of old paid, and as the recommended one does.
func attacks(ctx context.Context, o Options) ([]Row, error) {
	s, err := mlpSetting("", 0.5, 5, 8)
	if err != nil {
		return nil, err
	}
	r, err := s.play(ctx, o)
	if err != nil {
		return nil, err
	}
	a := &arena{s, r, o}
	scenario, err := a.scenario(ctx, a.drawn(0))
	if err != nil {
		return nil, err
	}
	outcomes, err := robust.Simulate(ctx, scenario, ways(""))
	if err != nil {
		return nil, err
	}
	unknown, err := a.unknown(ctx, scenario.Made)
	if err != nil {
		return nil, err
	}
	_, _ = outcomes, unknown
	for i := 0; i < len(outcomes); i += 2 {
		x, y := outcomes[i], outcomes[i+1]
		xs, xg, xo, _ := paid(oldPolicy(), &x)
		ys, yg, yo, _ := paid(newPolicy(), &y)
		fmt.Println(x.Attack, xs, xg, xo, "|", ys, yg, yo, "|", unknown[x.Attack])
	}
	for _, known := range []int{knownRows, committed} {
		if err := a.leaks(ctx, known); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("x")
}

func oldPolicy() *policy.Policy {
	p := &policy.Policy{Version: policy.Version, Mode: policy.Pot, Name: "old"}
	_ = p.Budget.UnmarshalText([]byte("1000000000000"))
	p.Dust.Hash[0] = 1
	_ = p.Metrics.Value.Weight.UnmarshalText([]byte("1"))
	_ = p.Metrics.Value.Hi.UnmarshalText([]byte("1152921504606846976"))
	p.Metrics.Value.Margin = 1645
	p.Metrics.Improvement.Of = policy.Loss
	return p
}
func newPolicy() *policy.Policy {
	p := oldPolicy()
	_ = p.Metrics.Value.Hi.UnmarshalText([]byte("1000000000"))
	return p
}

func ways(first string) []robust.Way {
	old := robust.Way{Options: shapley.Options{Estimator: "antithetic", Budget: 16, Seed: shapley.Seed{0x5e}, Sampled: true}}
	if first != "" {
		old = robust.Way{Options: shapley.Options{Estimator: first}}
	}
	return []robust.Way{old, {Options: shapley.Options{Estimator: "antithetic", Budget: 64, Seed: shapley.Seed{0x5e}}, Prepared: true}}
}

func paid(p *policy.Policy, x *robust.Outcome) (share, gain, others string, err error) {
	h, err := valuation.Pay(p, &x.Honest)
	if err != nil {
		return
	}
	a, err := valuation.Pay(p, &x.Attacked)
	if err != nil {
		panic(err)
	}
	// in a collusion the partner is among others
	share = h.Share().FloatString(3) + " to " + a.Share().FloatString(3)
	gain = new(big.Rat).SetFrac(a.Mine, h.Mine).FloatString(3)
	others = new(big.Rat).SetFrac(a.Others, h.Others).FloatString(3)
	return
}

// drawn are rows of the committed set for a round.
func (a *arena) drawn(index uint64) []int {
	order := make([]int, committed)
	for i := range order {
		order[i] = i
	}
	s := &source{key: a.setting.key, name: 100 + uint32(index)}
	for i := len(order) - 1; i > 0; i-- {
		j := int(s.below(i + 1))
		order[i], order[j] = order[j], order[i]
	}
	rows := order[:drawnRows]
	slices.Sort(rows)
	return rows
}

func from(lo, hi int) []int {
	var rows []int
	for i := lo; i < hi; i++ {
		rows = append(rows, i)
	}
	return rows
}

// judged is the round on other rows.
func (a *arena) judged(rows []int) round.Round {
	e := a.setting.val.some(rows)
	r := *a.round
	r.X, r.Y = e.x, kernels.Buf{I: e.y}
	return r
}

func (a *arena) base(rows []int) robust.Scenario {
	judged := a.judged(rows)
	ro := round.Options{Device: a.options.Device}
	return robust.Scenario{
		Updates: a.round.Updates, Sizes: a.round.Sizes, Attacker: 4, Partner: 5, Seed: shapley.Seed{0xa7},
		Play: func(updates [][][]float32, sizes []uint64) (shapley.Game, error) {
			played := judged
			played.Updates, played.Sizes = updates, sizes
			return round.New(context.Background(), played, ro)
		},
		Closed: func(updates [][][]float32, sizes []uint64) ([]int64, error) {
			played := judged
			played.Updates, played.Sizes = updates, sizes
			second, err := round.SecondOrder(context.Background(), played, ro)
			if err != nil {
				return nil, err
			}
			return second.Values, nil
		},
	}
}

func (a *arena) scenario(ctx context.Context, rows []int) (s robust.Scenario, err error) {
	s = a.base(rows)
	judged := a.judged(rows)
	ro := round.Options{Device: a.options.Device}
	if s.Gradient, err = round.Gradient(ctx, judged, ro); err != nil {
		return s, err
	}
	down, err := round.Downward(ctx, judged, ro, s.Seed, 30)
	if err != nil {
		return s, err
	}
	fmt.Println("bend", down.Bend)
	own := a.setting.train.some(dealt(a.setting.class, a.setting.workers, a.setting.key)[s.Attacker])
	labels := own
	labels.y = slices.Clone(own.y)
	for i := range labels.y {
		labels.y[i] = (labels.y[i] + 1) % 10
	}
	rec, err := a.train(ctx, labels, a.setting.steps)
	if err != nil {
		return s, err
	}
	far := own
	far.x.F = slices.Clone(own.x.F)
	for i := range far.in {
		far.x.F[i] *= 1000
	}
	out, err := a.train(ctx, far, a.setting.steps)
	if err != nil {
		return s, err
	}
	s.Made = []robust.Made{{recoded, rec}, {outlier, out}, {surrogate, longer(down.Direction, 126)}}
	return s, nil
}

func longer(u [][]float32, by float32) [][]float32 {
	o := copied(u)
	for _, t := range o {
		for e := range t {
			t[e] *= by
		}
	}
	return o
}

func (a *arena) train(ctx context.Context, e examples, steps int) ([][]float32, error) {
	plan, err := program.Compile(a.setting.program, kernels.ProfileF32)
	if err != nil {
		return nil, err
	}
	cpu, _ := engine.Host(a.options.Device)
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

func (a *arena) unknown(ctx context.Context, made []robust.Made) (map[string]string, error) {
	s := a.base(from(committed, a.setting.val.rows))
	s.Made = made
	outcomes, err := robust.Simulate(ctx, s, []robust.Way{{Options: shapley.Options{Estimator: "exact"}, Prepared: true}})
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for _, x := range outcomes {
		m[x.Attack] = x.Gain.FloatString(3)
		_, g, _, _ := paid(newPolicy(), &x)
		m[x.Attack] += " paid " + g
	}
	return m, nil
}

func (a *arena) leaks(ctx context.Context, known int) error {
	var rows []int
	for i := range known {
		rows = append(rows, i*13%committed)
	}
	u, err := a.train(ctx, a.setting.val.some(rows), 4*a.setting.steps)
	if err != nil {
		return err
	}
	s := a.base(rows)
	s.Made = []robust.Made{{leak, u}}
	o, err := robust.Simulate(ctx, s, ways(""))
	if err != nil {
		fmt.Println(err)
	} else {
		_, g, _, _ := paid(oldPolicy(), &o[len(o)-2])
		_, g2, _, _ := paid(newPolicy(), &o[len(o)-1])
		fmt.Println("leak", known, "static", g, g2)
	}
	for d := range uint64(draws) {
		s := a.base(a.drawn(d))
		s.Made = []robust.Made{{leak, u}}
		o, err := robust.Simulate(ctx, s, ways(""))
		if err != nil {
			return err
		}
		_, g, _, _ := paid(oldPolicy(), &o[len(o)-2])
		_, g2, _, _ := paid(newPolicy(), &o[len(o)-1])
		fmt.Println("leak", known, "drawn", g, g2)
	}
	m, err := a.unknown(ctx, s.Made)
	fmt.Println("leak", known, m[leak])
	return err
}
