package program_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
)

var (
	constant = program.Schedule{Kind: program.Constant, Rate: 0.1}
	cosine   = program.Schedule{Kind: program.CosineDecay, Rate: 0.01, Warmup: 2, Steps: 40}
)

// grouped are programs whose groups differ in all that they may differ in: decay, rate and schedule, betas, momentum.
func grouped() map[string]*program.Program {
	decay := plain(smallGPT(true), 2)
	decay.Optimizer = program.Optimizer{Kind: program.AdamW, Beta1: 0.9, Beta2: 0.95, Eps: 1e-8, WeightDecay: 0.5}
	alone := decay.Optimizer
	alone.WeightDecay = 0
	decay.Groups = []program.Group{{Optimizer: alone, Schedule: constant}}
	for _, s := range mustPlan(decay.Graph).Params() {
		if len(s.Shape) == 1 {
			decay.Groups[0].Params = append(decay.Groups[0].Params, s.Name)
		}
	}
	slices.Sort(decay.Groups[0].Params)

	tenth := plain(program.MLP(program.MLPConfig{Inputs: 5, Hidden: []int{7, 6}, Classes: 4}), 1)
	tenth.Schedule = cosine
	tenth.Groups = []program.Group{
		{Params: []string{"net.0.bias", "net.4.weight"}, Optimizer: program.Optimizer{Kind: program.SGD, WeightDecay: 0.1}, Schedule: constant},
		{Params: []string{"net.2.bias"}, Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.5, Nesterov: true}, Schedule: cosine},
	}

	betas := plain(program.MLP(program.MLPConfig{Inputs: 5, Hidden: []int{7}, Classes: 4}), 3)
	betas.Optimizer, betas.ClipNorm = program.Optimizer{Kind: program.Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}, 0
	betas.Groups = []program.Group{
		{Params: []string{"net.0.weight"}, Optimizer: program.Optimizer{Kind: program.Adam, Beta1: 0, Beta2: 0.9, Eps: 1e-3, WeightDecay: 0.1}, Schedule: constant},
	}
	return map[string]*program.Program{"without decay": decay, "at a tenth": tenth, "other betas": betas}
}

func mustPlan(g program.Graph) *program.Plan {
	plan, err := program.Compile(plain(g, 1), kernels.ProfileF32)
	if err != nil {
		panic(err)
	}
	return plan
}

// Beside a program with groups run programs whose one optimizer is that of a group, all from its state: what a group holds
// becomes what that program makes of it, bit for bit, and the norm that clips is that of all groups.
func TestAGroupIsMovedAsAProgramOfItsOptimizerWouldMoveIt(t *testing.T) {
	for name, p := range grouped() {
		t.Run(name, func(t *testing.T) {
			pl, m := plan(t, p), initialised(t, p)
			of := map[string]int{}
			for i, g := range p.Groups {
				for _, name := range g.Params {
					of[name] = i + 1
				}
			}
			rest := program.Group{Optimizer: p.Optimizer, Schedule: p.Schedule}
			var alone []*program.Machine
			var plans []*program.Plan
			for _, g := range append([]program.Group{rest}, p.Groups...) {
				q := *p
				q.Groups, q.Optimizer, q.Schedule = nil, g.Optimizer, g.Schedule
				alone, plans = append(alone, initialised(t, &q)), append(plans, plan(t, &q))
			}
			for step := range uint64(5) {
				now := byName(pl.Tensors(), "", m.Tensors())
				wanted := map[string][]float32{}
				for k, one := range alone {
					for i, s := range plans[k].Tensors() {
						if copy(one.Tensors()[i], now[s.Name]) == 0 { // of which the group has none
							clear(one.Tensors()[i])
						}
					}
					draw(one, step, 4)
					_, err := one.Gradients(step)
					must(t, err)
					_, clip, err := one.Update(step)
					must(t, err)
					wanted["clip"] = append(wanted["clip"], clip)
					for i, s := range plans[k].Tensors() {
						if of[s.Name[strings.LastIndex(s.Name, "/")+1:]] == k {
							wanted[s.Name] = slices.Clone(one.Tensors()[i])
						}
					}
				}
				draw(m, step, 4)
				_, err := m.Gradients(step)
				must(t, err)
				_, clip, err := m.Update(step)
				must(t, err)
				if slices.ContainsFunc(wanted["clip"], func(c float32) bool { return c != clip }) {
					t.Errorf("step %d: clipped by %v, %v wanted", step, clip, wanted["clip"])
				}
				if len(wanted) != len(pl.Tensors())+1 {
					t.Errorf("%d tensors, %d wanted", len(pl.Tensors()), len(wanted)-1)
				}
				for i, s := range pl.Tensors() {
					if !sameBits(m.Tensors()[i], wanted[s.Name]) {
						t.Errorf("step %d: %s is not what its group's optimizer makes of it", step, s.Name)
					}
				}
			}
		})
	}
}

func TestGroupsChangeNeitherTheStateNorTheStartOfAProgram(t *testing.T) {
	for name, p := range grouped() {
		q := *p
		q.Groups = nil
		one, two := initialised(t, p), initialised(t, &q)
		kept := byName(plan(t, &q).Tensors(), "", two.Tensors())
		for i, s := range plan(t, p).Tensors() {
			if !sameBits(one.Tensors()[i], kept[s.Name]) {
				t.Errorf("%s: %s starts elsewhere", name, s.Name)
			}
		}
		for i, s := range plan(t, p).Params() {
			if s.Name != plan(t, &q).Params()[i].Name {
				t.Errorf("%s: %s is parameter %d", name, s.Name, i)
			}
		}
		again, err := program.Parse(p.JSON())
		if err != nil || again.Digest() != p.Digest() || p.Digest() == q.Digest() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASlotIsOfWhatHasMomentumAlone(t *testing.T) {
	var slots []string
	for _, s := range plan(t, grouped()["at a tenth"]).Tensors() {
		if name, ok := strings.CutPrefix(s.Name, "opt/momentum_buffer/"); ok {
			slots = append(slots, name)
		}
	}
	if want := []string{"net.0.weight", "net.2.weight", "net.2.bias", "net.4.bias"}; !slices.Equal(slots, want) {
		t.Errorf("slots of %q, %q wanted", slots, want)
	}
}

func TestGroupsThatCannotBeAreRefused(t *testing.T) {
	o := program.Optimizer{Kind: program.SGD, Momentum: 0.9}
	of := func(rate float64, params ...string) program.Group {
		return program.Group{Params: params, Optimizer: o, Schedule: program.Schedule{Kind: program.Constant, Rate: rate}}
	}
	other := of(1, "c.weight")
	other.Optimizer = program.Optimizer{Kind: program.Adam, Eps: 1e-8}
	infinite := of(1, "c.weight")
	infinite.Optimizer.WeightDecay = 1e39
	var many []program.Group
	for i := range program.MaxGroups + 1 {
		many = append(many, of(float64(i+1), "c.weight"))
	}
	for name, c := range map[string]struct {
		groups []program.Group
		want   string
		class  fault.Class
	}{
		"no parameter":               {[]program.Group{of(1)}, "groups[0]: params: none", fault.OutOfRange},
		"one that is not there":      {[]program.Group{of(1, "c.gain")}, `groups[0]: params[0]: no parameter is called "c.gain"`, fault.OutOfRange},
		"a long one":                 {[]program.Group{of(1, strings.Repeat("c", 1<<12))}, "groups[0]: params[0]: no parameter is called", fault.OutOfRange},
		"a node":                     {[]program.Group{of(1, "c")}, `no parameter is called "c"`, fault.OutOfRange},
		"a name of the state's":      {[]program.Group{of(1, "param/c.weight")}, "no parameter is called", fault.OutOfRange},
		"a buffer":                   {[]program.Group{of(1, "bn.running_mean")}, `"bn.running_mean" is a buffer, which no optimizer moves`, fault.OutOfRange},
		"a frozen one":               {[]program.Group{of(1, "bn.bias")}, `"bn.bias" is frozen`, fault.OutOfRange},
		"a tied one":                 {[]program.Group{of(1, "d.weight")}, `"d.weight" is tied to "c.weight", which alone can be in a group`, fault.OutOfRange},
		"a tied one twice":           {[]program.Group{of(1, "c.weight", "d.weight")}, `params[1]: "d.weight" is tied to "c.weight"`, fault.OutOfRange},
		"one twice":                  {[]program.Group{of(1, "c.weight", "c.weight")}, `params[1]: "c.weight" does not come after "c.weight"`, fault.OutOfRange},
		"another order":              {[]program.Group{of(1, "c.weight", "c.bias")}, "does not come after", fault.OutOfRange},
		"one in two groups":          {[]program.Group{of(1, "c.bias", "c.weight"), of(2, "c.weight", "d.bias")}, `groups[1]: params[0]: "c.weight" is in groups[0] too`, fault.OutOfRange},
		"groups in another order":    {[]program.Group{of(1, "c.weight"), of(2, "c.bias")}, `groups[1]: params: they begin with "c.bias"`, fault.OutOfRange},
		"what the program says":      {[]program.Group{of(0.1, "c.weight")}, "groups[0]: its optimizer and schedule are those of the program", fault.OutOfRange},
		"what another group says":    {[]program.Group{of(1, "c.bias"), of(1, "c.weight")}, "groups[1]: its optimizer and schedule are those of groups[0]", fault.OutOfRange},
		"all parameters":             {[]program.Group{of(1, "bn.weight", "c.bias", "c.weight"), of(2, "conv.weight", "d.bias")}, "they hold all parameters that are trained", fault.OutOfRange},
		"another kind of optimizer":  {[]program.Group{other}, `groups[0]: optimizer: kind: "adam", the program's is "sgd"`, fault.Unsupported},
		"a decay that is infinite":   {[]program.Group{infinite}, "groups[0]: optimizer: weight_decay: 1e+39 is outside", fault.OutOfRange},
		"a rate below zero":          {[]program.Group{of(-1, "c.weight")}, "groups[0]: schedule: rate: -1 is outside", fault.OutOfRange},
		"more groups than there may": {many, "groups: 257 is above the limit 256", fault.TooLarge},
	} {
		g := normalised(false)
		g.Nodes = append(g.Nodes, program.Node{Name: "d", Op: program.Linear{Out: 3, Bias: true}, Inputs: []string{"c"}})
		g.Nodes[4].Op = program.Linear{Out: 12, Bias: true}
		g.Nodes[5].Op = program.Linear{Out: 12, Bias: true}
		g.Tied, g.Frozen = []program.Tie{{Name: "d.weight", As: "c.weight"}}, []string{"bn.bias"}
		p := plain(g, 1)
		must(t, func() error { _, err := program.Compile(p, kernels.ProfileF32); return err }())
		p.Groups = c.groups
		_, err := program.Compile(p, kernels.ProfileF32)
		if err == nil || !strings.Contains(err.Error(), c.want) || fault.Of(err) != c.class {
			t.Errorf("%s: %v (%v), want %q (%v)", name, err, fault.Of(err), c.want, c.class)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}

func TestBadGroupsInAFileAreRefused(t *testing.T) {
	const group = `{"params":["a.bias"],"optimizer":{"kind":"sgd"},"schedule":{"kind":"constant","rate":0.1}}`
	with := func(groups string) string { return edit(`,"clip_norm":0`, `,"groups":`+groups+`,"clip_norm":0`) }
	if _, err := program.Parse([]byte(with("[" + group + "]"))); err != nil {
		t.Fatal(err)
	}
	for want, data := range map[string]string{
		"not canonical":                                    with("[]"),
		"cannot unmarshal":                                 with(group),
		`unknown field "lr"`:                               with(strings.Replace("["+group+"]", `"params"`, `"lr":1,"params"`, 1)),
		`optimizer: kind: "" is not sgd`:                   with(`[{"params":["a.bias"]}]`),
		"groups[0]: params: none":                          with(strings.Replace("["+group+"]", `["a.bias"]`, `null`, 1)),
		"groups: 50000 is above the lim":                   with("[" + strings.Repeat("{},", 49999) + "{}]"),
		fmt.Sprintf("above the limit %d", program.MaxJSON): with("[" + strings.Repeat(group+",", 20000) + group + "]"),
	} {
		if p, err := program.Parse([]byte(data)); p != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %q wanted", err, want)
		}
	}
}

// A rate of zero is a way to keep a group as it is, and no stillness of a worker.
func TestAGroupMovesByItsOwnRateAlone(t *testing.T) {
	p := grouped()["at a tenth"]
	p.Groups[0].Schedule.Rate = 0
	pl := plan(t, p)
	for step, want := range map[uint64][]bool{0: {true, false, true}, 20: {true, false, true}, 39: {false, false, false}} {
		for g, moves := range want {
			if pl.Moves(g, step) != moves {
				t.Errorf("step %d: group %d moves: %v", step, g, !moves)
			}
		}
	}
	if a, b := pl.LearningRate(1, 5), pl.LearningRate(2, 0); a != 0 || b != 0.005 || pl.Groups() != 3 || pl.GroupOf(1) != 1 || pl.GroupOf(3) != 2 || pl.GroupOf(0) != 0 {
		t.Errorf("rates %v and %v, %d groups", a, b, pl.Groups())
	}
}
