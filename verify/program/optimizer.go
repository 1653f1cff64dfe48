package program

import (
	"errors"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
)

// Optimizer turns gradients into new parameters. Fields of another kind must be zero.
type Optimizer struct {
	Kind        string  `json:"kind"`                   // "sgd", "adam" or "adamw"
	Momentum    float64 `json:"momentum,omitempty"`     // sgd
	Dampening   float64 `json:"dampening,omitempty"`    // sgd with momentum; not applied at step 0, as in PyTorch
	Nesterov    bool    `json:"nesterov,omitempty"`     // sgd with momentum
	Beta1       float64 `json:"beta1,omitempty"`        // adam, adamw
	Beta2       float64 `json:"beta2,omitempty"`        // adam, adamw
	Eps         float64 `json:"eps,omitempty"`          // adam, adamw
	WeightDecay float64 `json:"weight_decay,omitempty"` // added to the gradient; decoupled in adamw
}

// The kinds of optimizer.
const (
	SGD   = "sgd"
	Adam  = "adam"
	AdamW = "adamw"
)

func (o Optimizer) check() error {
	if err := nonNegative("optimizer: weight_decay", o.WeightDecay); err != nil {
		return err
	}
	switch o.Kind {
	case SGD:
		if o.Beta1 != 0 || o.Beta2 != 0 || o.Eps != 0 {
			return outOfRange("optimizer", "beta1, beta2 and eps belong to adam and adamw")
		}
		if o.Momentum == 0 && (o.Dampening != 0 || o.Nesterov) {
			return outOfRange("optimizer", "dampening and nesterov need momentum")
		}
		return errors.Join(unit("optimizer: momentum", o.Momentum), unit("optimizer: dampening", o.Dampening))
	case Adam, AdamW:
		if o.Momentum != 0 || o.Dampening != 0 || o.Nesterov {
			return outOfRange("optimizer", "momentum, dampening and nesterov belong to sgd")
		}
		if !(o.Eps >= minEps && o.Eps <= 1) {
			return outOfRange("optimizer: eps", "%v is outside %v to 1", o.Eps, minEps)
		}
		return errors.Join(unit("optimizer: beta1", o.Beta1), unit("optimizer: beta2", o.Beta2))
	}
	return fault.New(fault.Unsupported, "", "optimizer: kind", "%.64q is not sgd, adam or adamw", o.Kind)
}

// minEps keeps eps a normal binary32 number, so that no quotient is 0/0.
const minEps = 1e-30

// slots names the tensors that the optimizer keeps for each parameter, as PyTorch does.
func (o Optimizer) slots() []string {
	switch {
	case o.Kind != SGD:
		return []string{"exp_avg", "exp_avg_sq"}
	case o.Momentum != 0:
		return []string{"momentum_buffer"}
	}
	return nil
}

// operator is the update of n parameters.
func (o Optimizer) operator(n int) kernels.Operator {
	if o.Kind == SGD {
		return kernels.SGD{N: n, Momentum: float32(o.Momentum), WeightDecay: float32(o.WeightDecay), Nesterov: o.Nesterov}
	}
	return kernels.Adam{N: n, Decoupled: o.Kind == AdamW}
}

// optimizerScalars is the most that any optimizer takes. Those of two groups lie scalarsApart words apart.
const (
	optimizerScalars = 9
	scalarsApart     = align
)

// scalars is the number of step-dependent scalars that the operator takes.
func (o Optimizer) scalars() int {
	if o.Kind == SGD {
		return 2
	}
	return optimizerScalars
}

// setScalars computes the scalars of step t in float64 and rounds each once.
//
//	sgd:          lr, 1-dampening (1 at step 0)
//	adam, adamw:  lr, b1, 1-b1, b2, 1-b2, 1/(1-b1^(t+1)), 1/(1-b2^(t+1)), eps, weight decay
func (o Optimizer) setScalars(s []float32, lr float32, t uint64) {
	s[0] = lr
	if o.Kind == SGD {
		s[1] = 1
		if t > 0 {
			s[1] = float32(1 - o.Dampening)
		}
		return
	}
	s[1], s[2] = float32(o.Beta1), float32(1-o.Beta1)
	s[3], s[4] = float32(o.Beta2), float32(1-o.Beta2)
	s[5] = float32(1 / (1 - power(o.Beta1, t+1)))
	s[6] = float32(1 / (1 - power(o.Beta2, t+1)))
	s[7], s[8] = float32(o.Eps), float32(o.WeightDecay)
}
