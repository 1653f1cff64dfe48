package round

// fold adds an element's term of one final to the sums so far, in binary64: a product and a sum, each rounded once.
func fold(sums []float64, weight float64, x []float32) {
	x = x[:len(sums)]
	for i, v := range x {
		sums[i] += float64(weight * float64(v))
	}
}

// fold4 is fold of four finals, one after another: the sums stay in registers between them.
func fold4(sums []float64, weights [4]float64, a, b, c, d []float32) {
	a, b, c, d = a[:len(sums)], b[:len(sums)], c[:len(sums)], d[:len(sums)]
	for i, s := range sums {
		s += float64(weights[0] * float64(a[i]))
		s += float64(weights[1] * float64(b[i]))
		s += float64(weights[2] * float64(c[i]))
		s += float64(weights[3] * float64(d[i]))
		sums[i] = s
	}
}

// mean is a sum over the total of the weights, rounded to binary64 and then to binary32.
func mean(sum, total float64) float32 { return float32(float64(sum / total)) }

// outer is SGD with Nesterov momentum on the way from a base to a mean, in binary32: section 9.2 of the contract without decay and
// dampening.
type outer struct{ rate, momentum float32 }

func (r *Rule) outer() outer {
	return outer{float32(float64(r.Rate) / Millionths), float32(float64(r.Momentum) / Millionths)}
}

// step moves a base, in place of the mean, and the momentum.
func (o outer) step(base, mean, momentum []float32) {
	for i, m := range mean {
		g := base[i] - m
		v := float32(o.momentum*momentum[i]) + g
		u := float32(o.momentum*v) + g
		momentum[i] = v
		mean[i] = base[i] - float32(o.rate*u)
	}
}
