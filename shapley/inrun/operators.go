package inrun

import (
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// buffers are small results of operators.
type buffers struct {
	sums         []float32 // of squares, one for each parameter
	norm, factor []float32
	scalars      []float32 // of SGD
}

func newBuffers(params int) buffers {
	return buffers{make([]float32, params), make([]float32, 1), make([]float32, 1), []float32{0, 1}}
}

// norm is the length of tensors and the factor that clips it to limit, as a step's own are computed.
func (a *Accumulator) norm(tensors [][]float32, limit float32) (norm, factor float32, err error) {
	run := a.config.Runner.Run
	for k, t := range tensors {
		if err := run(kernels.SumSquares{N: len(t)}, []kernels.Buf{{F: t}, {F: a.buf.sums[k : k+1]}}); err != nil {
			return 0, 0, err
		}
	}
	err = run(kernels.GradNorm{Tensors: len(tensors), MaxNorm: limit}, []kernels.Buf{{F: a.buf.sums}, {F: a.buf.norm}, {F: a.buf.factor}})
	return a.buf.norm[0], a.buf.factor[0], err
}

// rate is what step t multiplies its gradient with: learning rate and clip coefficient.
func (a *Accumulator) rate(t uint64, grads [][]float32) (float64, error) {
	rate := float64(a.plan.LearningRate(0, t))
	if limit := a.config.Program.ClipNorm; limit > 0 {
		_, factor, err := a.norm(grads, float32(limit))
		if err != nil {
			return 0, err
		}
		rate *= float64(factor)
	}
	return rate, nil
}

// perturb sets dst to w - by*direction, both operations rounded to float32, for each tensor of dst.
func (a *Accumulator) perturb(dst, w, direction [][]float32, by float32) error {
	a.buf.scalars[0] = by
	if err := copyTensors(a.config.Runner, dst, w); err != nil {
		return err
	}
	for k, d := range dst {
		bufs := []kernels.Buf{{F: d}, {F: direction[k]}, {F: []float32{}}, {F: a.buf.scalars}}
		if err := a.config.Runner.Run(kernels.SGD{N: len(d)}, bufs); err != nil {
			return err
		}
	}
	return nil
}

// copyTensors copies a tensor to each of dst, on all of the runner's threads.
func copyTensors(r program.Runner, dst, src [][]float32) error {
	for k, d := range dst {
		if err := r.Run(kernels.Copy{N: len(d)}, []kernels.Buf{{F: src[k]}, {F: d}}); err != nil {
			return err
		}
	}
	return nil
}
