package retrain

import (
	"fmt"
	"math"
)

// inverse inverts curve * gram + decay * I in binary64 by Cholesky's factors and rounds it once; gram has d rows. Any
// positive definite matrix would do for the bits; this one makes steps that never overshoot.
func inverse(gram []float32, d int, curve, decay float64) ([]float32, error) {
	l := make([]float64, d*d)
	for i := range d {
		for j := range i + 1 {
			s := curve * float64(gram[i*d+j])
			if i == j {
				s += decay
			}
			for k := range j {
				s -= float64(l[i*d+k] * l[j*d+k])
			}
			if i == j {
				if !(s > 0) {
					return nil, fmt.Errorf("decay: %v is too small for features that depend on each other", decay)
				}
				l[i*d+i] = math.Sqrt(s)
			} else {
				l[i*d+j] = s / l[j*d+j]
			}
		}
	}
	bound := make([]float32, d*d)
	col := make([]float64, d)
	for c := range d {
		clear(col)
		col[c] = 1
		for i := c; i < d; i++ {
			for k := c; k < i; k++ {
				col[i] -= float64(l[i*d+k] * col[k])
			}
			col[i] /= l[i*d+i]
		}
		for i := d - 1; i >= 0; i-- {
			for k := i + 1; k < d; k++ {
				col[i] -= float64(l[k*d+i] * col[k])
			}
			col[i] /= l[i*d+i]
		}
		for i := range d {
			bound[i*d+c] = float32(col[i])
		}
	}
	return bound, nil
}
