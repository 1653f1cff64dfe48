package inrun

import (
	"errors"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// pairs values rows by pairing each with each validation row, layer by layer. For a Linear with inputs x and
// gradients d of its outputs the weight's gradient is the sum of the outer products d_j*x_j over rows j, so a
// row's inner product with that of the validation rows is the sum over j of (d_i.d_j)(x_i.x_j): two
// small matrices instead of a forward pass, and no difference quotient (the ghost dot product of the paper).
type pairs struct {
	runner     program.Runner
	profile    kernels.Profile
	layers     []pairLayer // the last layer first, as they are seen
	rows       int         // of a micro-batch
	validation int         // rows
	keep       bool        // the step's rows, for a second pass over validation rows
	x, d       []float32   // products of a micro-batch' rows with validation rows
}

// pairLayer is a Linear node.
type pairLayer struct {
	in, out int
	bias    float64   // 1 if there is one: its input is 1
	xv, dv  []float32 // of the validation rows
	x, d    []float32 // of the step's rows, if they are kept
}

// newPairs is nil where the layers do not allow it or where a forward pass is cheaper: where the work of
// the pairs, validation rows times inputs and outputs, is not below the number of weights.
func newPairs(c *Config, walked []program.Walked, validation int) *pairs {
	p := &pairs{runner: c.Runner, profile: c.Profile, rows: c.Program.BatchSize, validation: validation, keep: c.Order == 2}
	work, weights := 0, 0
	for i := len(walked) - 1; i >= 0; i-- {
		w := walked[i]
		if len(w.Params) == 0 {
			continue
		}
		linear, ok := w.Op.(program.Linear)
		if !ok || linear.Transposed || w.Output.Len() != linear.Out {
			return nil
		}
		l := pairLayer{in: w.Params[0].Shape[1], out: linear.Out}
		if linear.Bias {
			l.bias = 1
		}
		p.layers = append(p.layers, l)
		work += c.Order * validation * (l.in + l.out)
		weights += l.in * l.out
	}
	if work >= weights {
		return nil
	}
	all := p.rows * c.Program.Accumulation
	for k := range p.layers {
		l := &p.layers[k]
		l.xv, l.dv = make([]float32, validation*l.in), make([]float32, validation*l.out)
		if p.keep {
			l.x, l.d = make([]float32, all*l.in), make([]float32, all*l.out)
		}
	}
	p.x, p.d = make([]float32, p.rows*validation), make([]float32, p.rows*validation)
	return p
}

// validate computes the validation loss and keeps what its gradient is made of.
func (p *pairs) validate(m *program.Machine) (loss float32, err error) {
	return p.pass(m, 0, false, func(_ int, l *pairLayer, x, d []float32) error {
		copy(l.xv, x)
		copy(l.dv, d)
		return nil
	})
}

// step computes loss and gradients of step t, and sets products to the rows' inner products.
func (p *pairs) step(t uint64, m *program.Machine, products []float64) (loss float32, err error) {
	clear(products)
	return p.pass(m, t, true, func(i int, l *pairLayer, x, d []float32) error {
		lo := i * p.rows
		if p.keep {
			copy(l.x[lo*l.in:], x)
			copy(l.d[lo*l.out:], d)
		}
		return p.add(l, x, d, products[lo:lo+p.rows])
	})
}

// again validates at other parameters and adds the inner products of the step's rows.
func (p *pairs) again(m *program.Machine, products []float64) error {
	if _, err := p.validate(m); err != nil {
		return err
	}
	for k := range p.layers {
		l := &p.layers[k]
		for lo := 0; lo < len(products); lo += p.rows {
			hi := lo + p.rows
			if err := p.add(l, l.x[lo*l.in:hi*l.in], l.d[lo*l.out:hi*l.out], products[lo:hi]); err != nil {
				return err
			}
		}
	}
	return nil
}

// pass shows each layer of each micro-batch.
func (p *pairs) pass(m *program.Machine, t uint64, weights bool, see func(i int, l *pairLayer, x, d []float32) error) (float32, error) {
	var failed error
	at := 0
	loss, err := m.GradientsSeeingLinears(t, weights, func(i int, x, d []float32) {
		k := at - i*len(p.layers)
		at++
		if failed != nil {
			return
		}
		if k >= len(p.layers) || len(x)*p.layers[k].out != len(d)*p.layers[k].in {
			failed = errors.New("layers: not those of the program")
			return
		}
		failed = see(i, &p.layers[k], x, d)
	})
	return loss, errors.Join(err, failed)
}

// add adds a layer's part to the inner products of a micro-batch' rows.
func (p *pairs) add(l *pairLayer, x, d []float32, products []float64) error {
	for _, g := range []struct {
		width        int
		a, b, result []float32
	}{{l.in, x, l.xv, p.x}, {l.out, d, l.dv, p.d}} {
		op := kernels.Gemm{M: p.rows, N: p.validation, K: g.width, TransB: true, Profile: p.profile}
		if err := p.runner.Run(op, []kernels.Buf{{F: g.a}, {F: g.b}, {F: g.result}}); err != nil {
			return err
		}
	}
	for r := range products {
		at := r * p.validation
		products[r] += paired(p.x[at:at+p.validation], p.d[at:at+p.validation], l.bias)
	}
	return nil
}

// paired is the sum of (x[j] + bias) * d[j] in binary64, in the order of slope.
func paired(x, d []float32, bias float64) float64 {
	var l [8]float64
	d = d[:len(x)]
	for j, v := range x {
		l[j&7] += float64((float64(v) + bias) * float64(d[j]))
	}
	return lanes(&l)
}
