package optest

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

func TestEveryCodePathGivesTheGoldenVectors(t *testing.T) {
	data, err := os.ReadFile("../testdata/golden.txt")
	if err != nil {
		t.Fatal(err)
	}
	backends := machines(t, 2)
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		t.Run(line, func(t *testing.T) {
			for _, b := range backends {
				if err := golden(line, b); err != nil {
					t.Errorf("%s: %v", b.Name(), err)
				}
			}
		})
	}
}

// golden checks one line of golden.txt.
func golden(line string, b Backend) error {
	name, parameters, _ := strings.Cut(line, " ")
	switch name {
	case "gemm":
		return goldenGemm(parameters, b)
	case "sum":
		return goldenSum(parameters, b)
	case "philox":
		return goldenPhilox(parameters)
	}
	of := map[string]func(n int) kernels.Operator{
		"tanh":      func(n int) kernels.Operator { return kernels.Tanh{N: n} },
		"sigmoid":   func(n int) kernels.Operator { return kernels.Sigmoid{N: n} },
		"silu":      func(n int) kernels.Operator { return kernels.SiLU{N: n} },
		"gelu":      func(n int) kernels.Operator { return kernels.GELU{N: n} },
		"gelu_tanh": func(n int) kernels.Operator { return kernels.GELUTanh{N: n} },
	}[name]
	if of == nil {
		return fmt.Errorf("unknown golden vector %q", name)
	}
	return goldenFunction(of, parameters, b)
}

func goldenGemm(parameters string, b Backend) error {
	var m, n, k int
	var want uint64
	if _, err := fmt.Sscanf(parameters, "m=%d n=%d k=%d fnv=%x", &m, &n, &k, &want); err != nil {
		return err
	}
	x, y, z := fill(m*k, 5), fill(k*n, 7), make([]float32, m*n)
	for i := range x {
		if i%7 == 0 {
			x[i] *= 1e-38
		}
		if i%11 == 0 {
			x[i] = 0
		}
	}
	if err := b.Run(kernels.Gemm{M: m, N: n, K: k}, []kernels.Buf{{F: x}, {F: y}, {F: z}}); err != nil {
		return err
	}
	return sameHash(z, want)
}

func goldenSum(parameters string, b Backend) error {
	var n int
	var want uint32
	if _, err := fmt.Sscanf(parameters, "n=%d bits=%x", &n, &want); err != nil {
		return err
	}
	sum := make([]float32, 1)
	if err := b.Run(kernels.Sum{N: n}, []kernels.Buf{{F: fill(200000, 9)[:n]}, {F: sum}}); err != nil {
		return err
	}
	if got := canonical(sum[0]); got != want {
		return fmt.Errorf("got %08x, want %08x", got, want)
	}
	return nil
}

func goldenFunction(of func(n int) kernels.Operator, parameters string, b Backend) error {
	var step int
	var want uint64
	if _, err := fmt.Sscanf(parameters, "step=%d fnv=%x", &step, &want); err != nil {
		return err
	}
	var x []float32
	for u := uint64(0); u <= math.MaxUint32; u += uint64(step) {
		x = append(x, math.Float32frombits(uint32(u)))
	}
	y := make([]float32, len(x))
	if err := b.Run(of(len(x)), []kernels.Buf{{F: x}, {F: y}}); err != nil {
		return err
	}
	return sameHash(y, want)
}

func goldenPhilox(parameters string) error {
	var ctr, want [4]uint32
	var key [2]uint32
	_, err := fmt.Sscanf(parameters, "ctr=%x,%x,%x,%x key=%x,%x words=%x,%x,%x,%x",
		&ctr[0], &ctr[1], &ctr[2], &ctr[3], &key[0], &key[1], &want[0], &want[1], &want[2], &want[3])
	if err != nil {
		return err
	}
	if got := kernels.Philox4x32(ctr, key); got != want {
		return fmt.Errorf("got %08x, want %08x", got, want)
	}
	return nil
}

// fill is the generator of golden.txt.
func fill(n int, s uint64) []float32 {
	x := make([]float32, n)
	for i := range x {
		s ^= s << 13
		s ^= s >> 7
		s ^= s << 17
		x[i] = float32(int64(s>>20)-1<<43) / (1 << 43)
	}
	return x
}

func sameHash(x []float32, want uint64) error {
	h := uint64(1469598103934665603)
	for _, v := range x {
		h = (h ^ uint64(canonical(v))) * 1099511628211
	}
	if h != want {
		return fmt.Errorf("got %016x, want %016x", h, want)
	}
	return nil
}
