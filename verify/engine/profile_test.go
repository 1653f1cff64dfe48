package engine_test

import (
	"errors"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/program"
)

func TestASpecIsOfAKnownProfile(t *testing.T) {
	s := spec(t, layered())
	if s.Profile != kernels.ProfileF32 {
		t.Errorf("profile %v", s.Profile)
	}
	for _, p := range []kernels.Profile{0, 200} {
		if _, err := engine.NewSpec(s.Program, p, 1); !errors.Is(err, kernels.ErrProfile) {
			t.Errorf("profile %v: %v", p, err)
		}
	}
}

// newer hands products on in a profile that its CPU does not know, as a plan of a newer version would.
type newer struct{ cpu *kernels.CPU }

func (n newer) Run(op kernels.Operator, bufs []kernels.Buf) error {
	if g, ok := op.(kernels.Gemm); ok {
		g.Profile = 200
		op = g
	}
	return n.cpu.Run(op, bufs)
}

func TestAnEngineDeclinesAProductInAProfileThatItDoesNotKnow(t *testing.T) {
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	must(t, err)
	defer cpu.Close()
	e := start(t, engine.NewCPU("newer", newer{cpu}, 1), spec(t, layered()))
	must(t, e.Init(t.Context(), 1))
	draw(e, 0)
	if _, err := e.Step(t.Context(), 0); !errors.Is(err, kernels.ErrProfile) {
		t.Errorf("%v", err)
	}
}

// layered is one Linear.
func layered() program.Program {
	return program.Program{
		BatchSize: 1, Accumulation: 1, Loss: program.MSE, Optimizer: sgd, Schedule: constant,
		Graph: program.Graph{Nodes: []program.Node{
			{Name: "x", Op: program.Input{Type: program.F32, Shape: []int{3}}},
			{Name: "a", Inputs: []string{"x"}, Op: program.Linear{Out: 2}},
		}},
	}
}
