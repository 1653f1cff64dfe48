package program_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

func TestSeeingAStepChangesNoBitOfIt(t *testing.T) {
	for name, p := range small() {
		t.Run(name, func(t *testing.T) {
			plain, _ := machine(t, p, kernels.Options{Threads: 1})
			seen, _ := machine(t, p, kernels.Options{Threads: 2})
			shadow, _ := machine(t, p, kernels.Options{Threads: 1})
			for _, m := range []interface{ Init(uint64) error }{plain, seen, shadow} {
				must(t, m.Init(3))
			}
			for step := range uint64(4) {
				draw(plain, step, classesOf[name])
				draw(seen, step, classesOf[name])
				draw(shadow, step, classesOf[name])
				for k, w := range plain.Tensors() {
					copy(shadow.Tensors()[k], w)
				}
				want, err := plain.Gradients(step)
				must(t, err)
				var outputs, again []float32
				loss, err := seen.GradientsSeeing(step, func(i int, out, gradient []float32) {
					if i != len(outputs)/len(out) || len(gradient) != len(out) {
						t.Errorf("micro-batch %d: %d outputs, %d gradients", i, len(out), len(gradient))
					}
					outputs = append(outputs, out...)
					var sum float64 // softmax minus a label sums to 0
					for _, v := range gradient {
						sum += float64(v)
					}
					if sum > 1e-5 || sum < -1e-5 {
						t.Errorf("gradients sum to %v", sum)
					}
				})
				must(t, err)
				must(t, shadow.Forward(step, func(_ int, out []float32) { again = append(again, out...) }))
				if loss != want || !bytes.Equal(bytesOf(seen.Grads()), bytesOf(plain.Grads())) {
					t.Fatalf("step %d: loss %v, want %v, or other gradients", step, loss, want)
				}
				if !slices.Equal(outputs, again) {
					t.Errorf("step %d: a forward pass has other outputs", step)
				}
				_, _, err = plain.Update(step)
				must(t, err)
				_, _, err = seen.Update(step)
				must(t, err)
			}
			if !bytes.Equal(bytesOf(seen.Tensors()), bytesOf(plain.Tensors())) {
				t.Error("another state")
			}
		})
	}
}

func TestALinearsGradientIsTheProductOfWhatIsSeen(t *testing.T) {
	p := *small()["mlp"]
	p.Accumulation = 1
	plain, _ := machine(t, &p, kernels.Options{Threads: 1})
	seen, _ := machine(t, &p, kernels.Options{Threads: 1})
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	must(t, err)
	defer cpu.Close()
	must(t, plain.Init(3))
	must(t, seen.Init(3))
	draw(plain, 0, 7)
	draw(seen, 0, 7)
	want, err := plain.Gradients(0)
	must(t, err)
	for _, weights := range []bool{false, true} {
		k := len(plain.Grads()) - 2
		loss, err := seen.GradientsSeeingLinears(0, weights, func(i int, x, dy []float32) {
			g := make([]float32, len(plain.Grads()[k]))
			in, out := len(x)/12, len(dy)/12
			must(t, cpu.Run(kernels.Gemm{M: out, N: in, K: 12, TransA: true, Profile: kernels.ProfileF32}, []kernels.Buf{{F: dy}, {F: x}, {F: g}}))
			if i != 0 || !slices.Equal(g, plain.Grads()[k]) {
				t.Errorf("micro-batch %d, parameter %d: another product", i, k)
			}
			k -= 2
		})
		must(t, err)
		if loss != want || k != -2 || weights != bytes.Equal(bytesOf(seen.Grads()), bytesOf(plain.Grads())) {
			t.Errorf("weights %v: loss %v, want %v, down to parameter %d", weights, loss, want, k)
		}
	}
}
