package program_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// maskedTokens embeds tokens and weighs them by a mask, whose name comes before theirs.
func maskedTokens() program.Graph {
	node := func(name string, op program.Op, in ...string) program.Node {
		return program.Node{Name: name, Op: op, Inputs: in}
	}
	return program.Graph{Nodes: []program.Node{
		node("tokens", program.Input{Type: program.I32, Shape: []int{5}}), node("mask", program.Input{Type: program.F32, Shape: []int{5, 4}}),
		node("time", program.Input{Type: program.F32, Shape: []int{3}}),
		node("tok", program.Embedding{Vocab: 7, Dim: 4, Std: 0.5}, "tokens"), node("m", program.Mul{}, "tok", "mask"), node("flat", program.Flatten{}, "m"),
		node("t", program.Linear{Out: 20, Bias: true}, "time"), node("s", program.Add{}, "flat", "t"), node("head", program.Linear{Out: 3, Bias: true}, "s"),
	}}
}

func TestAStepReadsEachInputOfItsRows(t *testing.T) {
	p := plain(maskedTokens(), 2)
	var names []string
	for _, s := range plan(t, p).Rows() {
		names = append(names, fmt.Sprintf("%s %v%v", s.Name, s.Kind, s.Shape))
	}
	if got := strings.Join(names, " "); got != "x/mask f32[6 5 4] x/time f32[6 3] x/tokens i32[6 5] y i32[6]" {
		t.Error(got)
	}
	m := initialised(t, p)
	fill := func() {
		for k, b := range m.Rows() {
			for i := range b.F {
				b.F[i] = float32((i*5+k)%7-3) / 4
			}
			for i := range b.I {
				b.I[i] = int32(i % 3)
			}
		}
	}
	fill()
	seen := map[float32]bool{}
	for k := range m.Rows() { // the last row of each is another one in turn: every one shows in the loss
		loss, err := m.Gradients(0)
		must(t, err)
		if seen[loss] {
			t.Errorf("the loss does not depend on tensor %d", k-1)
		}
		seen[loss] = true
		fill()
		if b := m.Rows()[k]; b.I != nil {
			b.I[len(b.I)-1]++
		} else {
			b.F[len(b.F)-1] += 1
		}
	}
	fill()
	m.Rows()[2].I[3] = 7
	if _, err := m.Gradients(0); err == nil || !strings.Contains(err.Error(), "x/tokens: row 0") {
		t.Errorf("a token outside of its vocabulary: %v", err)
	}
}

func TestInputsComeFirstEachUsedAndInBounds(t *testing.T) {
	for name, alter := range map[string]func(*program.Graph){
		"inputs come before all other nodes": func(g *program.Graph) { g.Nodes[2], g.Nodes[3] = g.Nodes[3], g.Nodes[2] },
		"its result is not used":             func(g *program.Graph) { g.Nodes[4].Inputs[1] = "tok" },
		"the first node must be an input":    func(g *program.Graph) { g.Nodes = g.Nodes[3:] },
		"used twice":                         func(g *program.Graph) { g.Nodes[1].Name = "tokens" },
		"more than 64 inputs": func(g *program.Graph) {
			var more []program.Node
			for i := range 62 {
				more = append(more, program.Node{Name: fmt.Sprint("more", i), Op: program.Input{Shape: []int{1}}})
			}
			g.Nodes = append(more, g.Nodes...)
		},
	} {
		g := maskedTokens()
		alter(&g)
		if _, err := program.Compile(plain(g, 1), kernels.ProfileF32); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v, %q wanted", err, name)
		}
	}
}
