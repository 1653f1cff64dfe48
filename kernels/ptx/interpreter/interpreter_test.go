package interpreter

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/optest"
	"github.com/verifyd/verifyd/kernels/ptx"
)

func machine(t *testing.T, skew int) *Machine {
	t.Helper()
	modules, err := ptx.Modules()
	if err != nil {
		t.Fatal(err)
	}
	m, err := New(modules, skew)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTheShippedPTXGivesTheBytesOfTheReference(t *testing.T) {
	m := machine(t, 0)
	if testing.Short() {
		optest.TestShort(t, 9, m)
	} else {
		optest.Test(t, m)
	}
	t.Logf("%d million instructions", m.Steps()/1e6)
}

func TestTheAlignmentOfBuffersNeverShows(t *testing.T) {
	optest.TestShort(t, 7, machine(t, 1), machine(t, 2))
}

func TestFMARoundsOnce(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 1 << 20 {
		a, b := math.Float32frombits(r.Uint32()), math.Float32frombits(r.Uint32())
		c := math.Float32frombits(r.Uint32())
		if r.IntN(2) == 0 { // near the product, where cancellation and ties are
			c = math.Float32frombits(math.Float32bits(float32(a*b)) ^ 1<<31 + uint32(r.IntN(64)<<r.IntN(24)))
		}
		if x := float64(a) * float64(b) * float64(c); math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		if got, want := fma(a, b, c), exactFMA(a, b, c); got != want {
			t.Fatalf("fma(%b, %b, %b) is %b, want %b", a, b, c, got, want)
		}
	}
}

// exactFMA rounds the exact a*b + c once. Signs of zeros are not told apart.
func exactFMA(a, b, c float32) float32 {
	exact := func(x float32) *big.Float { return new(big.Float).SetPrec(1000).SetFloat64(float64(x)) }
	p := exact(a)
	p.Mul(p, exact(b))
	f, _ := p.Add(p, exact(c)).Float32()
	return f
}

// Which tile a product takes and where K is cut is a matter of speed alone.
func TestNoCutOfAProductShows(t *testing.T) {
	m := machine(t, 0)
	for i := range 6 {
		m.Plan = variant(i)
		optest.TestShort(t, 9, m)
	}
}

// variant is the plan of a product that is the i-th of launch.Variants; other operators are declined.
func variant(i int) func(kernels.Operator) (launch.Plan, error) {
	return func(op kernels.Operator) (launch.Plan, error) {
		all, err := launch.Variants(op)
		if err != nil || len(all) == 1 {
			return launch.Plan{}, launch.ErrUnsupported
		}
		return all[i%len(all)], nil
	}
}
