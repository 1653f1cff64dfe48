package kernels

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

// hash is FNV-1a over 32-bit words, with every NaN made canonical.
type hash uint64

func newHash() hash { return 1469598103934665603 }

func (h *hash) add(y float32) {
	if y != y {
		y = nan()
	}
	*h = (*h ^ hash(math.Float32bits(y))) * 1099511628211
}

func TestFunctionsGiveTheGoldenHashOverAllExponents(t *testing.T) {
	contract := read(t, "contract.md")
	for _, c := range []struct {
		name string
		f    func(float32) float32
		want hash
	}{
		{"exp", exp, 0x822a40422c6e6fa0},
		{"log", log, 0x63b50497f1399f52},
		{"tanh", tanh, 0x822c702c0adbaa7f},
		{"erf", erf, 0x6dad505b72107f0e},
		{"rsqrt", rsqrt, 0xd56c12eb91fdf1e3},
		{"sigmoid", sigmoid, 0x788f94a6f8fe104b},
		{"silu", silu, 0x36f8d58a7625f5f8},
		{"gelu", gelu, 0xcfb478693b9d9b11},
		{"gelu_tanh", geluTanh, 0x78524c6a2d85328d},
		{"silu_grad", siluSlope, 0xc35bd2b73af69d7b},
		{"gelu_grad", geluSlope, 0x71052f71c6a77aa2},
		{"gelu_tanh_grad", geluTanhSlope, 0x948dfe0e64696967},
	} {
		h := newHash()
		for u := uint64(0); u <= 0xffffffff; u += 10007 {
			h.add(c.f(math.Float32frombits(uint32(u))))
		}
		if h != c.want {
			t.Errorf("%s: %016x, want %016x", c.name, uint64(h), uint64(c.want))
		}
		if !strings.Contains(contract, fmt.Sprintf("`%016x`", uint64(c.want))) {
			t.Errorf("contract.md does not have the hash of %s", c.name)
		}
	}
}

func TestSlopesAreTheDerivatives(t *testing.T) {
	sigmoid64 := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	k := math.Sqrt(2 / math.Pi)
	for _, c := range []struct {
		name  string
		slope func(float32) float32
		want  func(float64) float64
	}{
		{"silu", siluSlope, func(x float64) float64 {
			s := sigmoid64(x)
			return s * (1 + x*(1-s))
		}},
		{"gelu", geluSlope, func(x float64) float64 {
			return 0.5*(1+math.Erf(x/math.Sqrt2)) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
		}},
		{"gelu_tanh", geluTanhSlope, func(x float64) float64 {
			th := math.Tanh(k * (x + 0.044715*x*x*x))
			return 0.5*(1+th) + 0.5*x*(1-th*th)*k*(1+3*0.044715*x*x)
		}},
	} {
		for x := float32(-12); x <= 12; x += 1.0 / 64 {
			if got, want := c.slope(x), c.want(float64(x)); math.Abs(float64(got)-want) > 1e-6 {
				t.Errorf("%s slope at %g: %g, want %g", c.name, x, got, want)
			}
		}
	}
}
