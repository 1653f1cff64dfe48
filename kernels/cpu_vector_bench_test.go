package kernels

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// BenchmarkVector measures each loop of the table on slices that stay in the second-level cache.
func BenchmarkVector(b *testing.B) {
	const n = 8192
	r := rand.New(rand.NewPCG(1, 2))
	var x [4][]float32
	for i := range x {
		x[i] = make([]float32, n)
	}
	for _, isa := range Available() {
		table := reflect.ValueOf(vectorFor(isa)).Elem()
		for i := range table.NumField() {
			if table.Field(i).Kind() != reflect.Func {
				continue
			}
			name, row := table.Type().Field(i).Name, n
			if name == "addRows" {
				row = n / 16
			}
			loop := bind(open(table.Field(i)).Interface(), x, row)
			if loop == nil {
				b.Fatalf("no arguments for %s", name)
			}
			b.Run(fmt.Sprintf("%s/%v", name, isa), func(b *testing.B) {
				for i := range x {
					for j := range x[i] {
						x[i][j] = r.Float32()
					}
				}
				for b.Loop() {
					loop()
				}
				b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gelem/s")
			})
		}
	}
}

// bind calls a loop on x with scalars that keep the numbers ordinary. The third slice of a loop over
// three has row elements.
func bind(loop any, x [4][]float32, row int) func() {
	a, b, c, d := x[0], x[1], x[2], x[3]
	scalars := [9]float32{0x1p-20, 0.9, 0.1, 0.999, 0.001, 1.1, 1.2, 1e-8, 0.01}
	index := make([]int32, len(a)/2)
	const side = 90 // of a matrix that fits
	switch f := loop.(type) {
	case func(y, x []float32):
		return func() { f(a, b) }
	case func(y, x, z []float32):
		return func() { f(a, b, c[:row]) }
	case func(y, x []float32, s float32):
		return func() { f(a, b, 0.5) }
	case func(y, x, t []float32, s float32):
		return func() { f(a, b, c, 0.5) }
	case func(y, x []float32, at uint64, s [4]uint32, threshold uint32, scale float32):
		return func() { f(a, b, 0, [4]uint32{}, 1<<31, 2) }
	case func(y []float32, index []int32, top, bottom []float32, at, width int32):
		half := len(a) / 2
		return func() { f(a[:half], index, b, c, 0, 0) }
	case func(sum, x []float32, stride, n int):
		return func() { f(a[:side], b, side, side) }
	case func(x []float32) float32:
		return func() { f(a) }
	case func(a, b []float32) float32:
		return func() { f(a, b) }
	case func(x []float32, m float32) float32:
		return func() { f(a, 0.5) }
	case func(y, x []float32, m float32) float32:
		return func() { f(a, b, 0.5) }
	case func(y, x []float32, m, r, s float32):
		return func() { f(a, b, 0.5, 0.5, 0.5) }
	case func(y, x, gamma, beta []float32, mu, rs float32):
		return func() { f(a, b, c, d, 0.5, 0.5) }
	case func(dy, gamma, x []float32, mu, rs float32) (s1, s2 float32):
		return func() { f(a, b, c, 0.5, 0.5) }
	case func(dx, dy, gamma, x []float32, mu, rs, c1, c2 float32):
		return func() { f(a, b, c, d, 0.5, 0.5, 0.5, 0.5) }
	case func(p, g []float32, lr, wd float32):
		return func() { f(a, b, 0x1p-20, 0.01) }
	case func(p, g, buf []float32, lr, omd, mu, wd float32, nesterov bool):
		return func() { f(a, b, c, 0x1p-20, 0.1, 0.9, 0.01, false) }
	case func(p, g, m, v []float32, s *[9]float32):
		return func() { f(a, b, c, d, &scalars) }
	}
	return nil
}
