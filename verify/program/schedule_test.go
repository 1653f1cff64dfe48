package program

import (
	"math"
	"math/big"
	"testing"
)

func TestCosPiIsTheCosine(t *testing.T) {
	for i := range 4001 {
		v := float64(i) / 4000
		if d := math.Abs(cosPi(v) - math.Cos(math.Pi*v)); d > 5e-16 {
			t.Errorf("cos(pi*%v) is off by %v", v, d)
		}
	}
	for v, want := range map[float64]float64{0: 1, 0.5: 0, 1: -1} {
		if got := cosPi(v); got != want {
			t.Errorf("cos(pi*%v) is %v, %v wanted", v, got, want)
		}
	}
}

func TestPowersAreThoseOfExactArithmetic(t *testing.T) {
	for _, x := range []float64{0.9, 0.95, 0.999, 0.5, 1, 0} {
		for _, n := range []uint64{0, 1, 2, 3, 150, 1001, 65537} {
			want := big.NewFloat(1).SetPrec(300)
			for range n {
				want.Mul(want, big.NewFloat(x))
			}
			exact, _ := want.Float64()
			if got := power(x, n); math.Abs(got-exact) > 1e-14*exact*float64(n+1) {
				t.Errorf("%v^%d is %v, %v wanted", x, n, got, exact)
			}
		}
	}
}

// The bits are part of the format: they are the same on every machine that runs this test.
func TestSchedulesAreClosedFormsOfTheStep(t *testing.T) {
	type at map[uint64]uint32
	for _, c := range []struct {
		name string
		s    Schedule
		want func(t float64) float64
		bits at
	}{
		{"constant", Schedule{Kind: Constant, Rate: 0.1},
			func(float64) float64 { return 0.1 }, at{7: 0x3dcccccd}},
		{"warm-up", Schedule{Kind: Constant, Rate: 1e-3, Warmup: 20},
			func(t float64) float64 { return 1e-3 * min(t+1, 20) / 20 }, at{0: 0x3851b717, 6: 0x39b78034}},
		{"ramp", Schedule{Kind: Constant, Rate: 0.1, Ramp: 20},
			func(t float64) float64 { return 0.1 * min(t, 20) / 20 }, at{0: 0, 7: 0x3d0f5c29}},
		{"ramp from a part", Schedule{Kind: CosineDecay, Rate: 0.3, Ramp: 10, From: 0.25, Steps: 110},
			func(t float64) float64 {
				if t < 10 {
					return 0.3 * (0.25 + 0.75*t/10)
				}
				return 0.3 * (1 + math.Cos(math.Pi*min(t-10, 100)/100)) / 2
			}, at{0: 0x3d99999a, 3: 0x3e11eb85}},
		{"linear", Schedule{Kind: LinearDecay, Rate: 0.3, Warmup: 10, Steps: 110, Floor: 0.01},
			func(t float64) float64 {
				if t < 10 {
					return 0.3 * (t + 1) / 10
				}
				return 0.01 + 0.29*(1-min(t-10, 100)/100)
			}, at{43: 0x3e513405, 500: 0x3c23d70a}},
		{"cosine", Schedule{Kind: CosineDecay, Rate: 0.3, Warmup: 10, Steps: 110, Floor: 0.01},
			func(t float64) float64 {
				if t < 10 {
					return 0.3 * (t + 1) / 10
				}
				return 0.01 + 0.29*(1+math.Cos(math.Pi*min(t-10, 100)/100))/2
			}, at{43: 0x3e6a4d6f, 77: 0x3da6466a, 500: 0x3c23d70a}},
		{"step", Schedule{Kind: StepDecay, Rate: 0.2, Every: 30, Factor: 0.7},
			func(t float64) float64 { return 0.2 * math.Pow(0.7, math.Floor(t/30)) }, at{95: 0x3d8c7e28}},
		{"exponential", Schedule{Kind: Exponential, Rate: 0.2, Warmup: 3, Factor: 0.999},
			func(t float64) float64 {
				if t < 3 {
					return 0.2 * (t + 1) / 3
				}
				return 0.2 * math.Pow(0.999, t-3)
			}, at{1000: 0x3d970f8f, 4000000: 0}},
	} {
		if err := c.s.check(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		for step := range uint64(600) {
			want := c.want(float64(step))
			if got := float64(c.s.At(step)); math.Abs(got-want) > 1e-7*want {
				t.Errorf("%s: step %d: %v, %v wanted", c.name, step, got, want)
			}
		}
		for step, want := range c.bits {
			if got := math.Float32bits(c.s.At(step)); got != want {
				t.Errorf("%s: step %d: %#x, %#x wanted", c.name, step, got, want)
			}
		}
	}
}
