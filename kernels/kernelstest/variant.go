package kernelstest

import (
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// Variants are how many plans a product can have, over all products.
const Variants = 6

// Variant is a house with the i-th plan of launch.Variants for a product. It declines every other operator.
func Variant(h *House, i int) Tiled { return Tiled{h, i} }

// Tiled is a house with another plan for products.
type Tiled struct {
	*House
	i int
}

func (v Tiled) plan(op kernels.Operator) (launch.Plan, error) {
	all, err := launch.Variants(op)
	if err != nil || len(all) == 1 {
		return launch.Plan{}, launch.ErrUnsupported
	}
	return all[v.i%len(all)], nil
}

// Supports says whether op is a product with plans to choose from.
func (v Tiled) Supports(op kernels.Operator) bool {
	_, err := v.plan(op)
	return err == nil
}

// Run computes a product on bufs.
func (v Tiled) Run(op kernels.Operator, bufs []kernels.Buf) error {
	plan, err := v.plan(op)
	if err != nil {
		return err
	}
	return v.Execute(plan, bufs)
}
