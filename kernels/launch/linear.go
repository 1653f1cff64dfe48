package launch

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// Linear is a product, a bias on its columns and an activation, computed in one go, linear.cu:
//
//	a[M,K], b[N,K], bias[N] -> y[M,N] = a bT + bias, z[M,N] = activation(y)
//
// The bits are those of kernels.Gemm, kernels.BiasAdd and the activation one after another. z may be y.
type Linear struct {
	M, N, K    int
	Activation kernels.Operator // nil: there is no z
	Profile    kernels.Profile  // of the product
}

// follows is the number of op in linear.cu, if it can follow a product of n elements. That nothing follows is 0.
func follows(op kernels.Operator, n int) (number int, ok bool) {
	if op == nil {
		return 0, true
	}
	number = kernels.ActivationOf(op)
	return number, number > 0 && op.Operands()[0].Len == n
}

// gemm is the product alone.
func (l Linear) gemm() kernels.Gemm {
	return kernels.Gemm{M: l.M, N: l.N, K: l.K, TransB: true, Profile: l.Profile}
}

func (l Linear) check() error {
	if _, ok := follows(l.Activation, l.M*l.N); !ok {
		return fmt.Errorf("%+v after a product of %d elements: %w", l.Activation, l.M*l.N, ErrUnsupported)
	}
	_, err := For(l.gemm())
	return err
}

// Plan returns the launches, in the tile and with the cut of K that the product alone has. Its operands are a, b,
// bias, y and, with an activation, z.
func (l Linear) Plan() (Plan, error) {
	if err := l.check(); err != nil {
		return Plan{}, err
	}
	p, _ := productOf(l.gemm())
	return l.plan(p.choose()).filled(l.gemm())
}

// Variants are plans that must give the same bits, as those of a product.
func (l Linear) Variants() ([]Plan, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	p, _ := productOf(l.gemm())
	return p.variants(l.gemm(), l.plan)
}

// plan is the product's plan, with bias and activation in its last launch.
func (l Linear) plan(t tile, split int) Plan {
	p, _ := productOf(l.gemm())
	plan := p.plan(t, split)
	number, _ := follows(l.Activation, l.M*l.N)
	last := &plan.Launches[len(plan.Launches)-1]
	if len(plan.Launches) == 1 {
		last.Kernel = p.prefix + "linear_" + t.name
		last.Args = []Arg{integer(l.M), integer(l.N), integer(l.K), operand(0), operand(1)}
	} else {
		last.Kernel = p.prefix + "linear_fold"
		last.Args = append(last.Args[:4:4], integer(l.N)) // behind the workspace
	}
	z := operand(4)
	if l.Activation == nil {
		z = operand(3) // any address
	}
	last.Args = append(last.Args, operand(2), integer(number), operand(3), z)
	return plan
}
