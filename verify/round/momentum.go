package round

import (
	"bufio"
	"io"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
)

// readMomentum reads a safetensors file of the tensors that are trained, in their order, f32, and no others. Errors begin with path.
func readMomentum(path string, plan *program.Plan, threads int) ([][]float32, merkle.Hash, error) {
	f, _, err := input.Open(path)
	if err != nil {
		return nil, merkle.Hash{}, err
	}
	defer f.Close()
	tensors, size := tensorsLike(plan.Params()), int64(0)
	for _, x := range tensors {
		size += 4 * int64(len(x))
	}
	in, err := safetensors.NewReader(bufio.NewReaderSize(f, 1<<16), path, size)
	if err != nil {
		return nil, merkle.Hash{}, err
	}
	if err := in.Expect(state.Infos("", plan.Params())); err != nil {
		return nil, merkle.Hash{}, err
	}
	for _, x := range tensors {
		if err := in.F32(x); err != nil {
			return nil, merkle.Hash{}, err
		}
	}
	if err := in.Close(); err != nil {
		return nil, merkle.Hash{}, err
	}
	root, err := momentumRoot(tensors, plan, threads)
	return tensors, root, fault.In(path, err)
}

// momentumRoot refuses a momentum that is not finite.
func momentumRoot(tensors [][]float32, plan *program.Plan, threads int) (merkle.Hash, error) {
	l, err := state.NewLayout(state.Outer, plan.Params())
	if err != nil {
		return merkle.Hash{}, err
	}
	if err := l.CheckFinite(tensors); err != nil {
		return merkle.Hash{}, err
	}
	return state.NewHasher(l, threads).Root(state.Counters{}, tensors), nil
}

// writeMomentum writes the file that readMomentum reads.
func writeMomentum(w io.Writer, tensors [][]float32, plan *program.Plan) error {
	s, err := safetensors.NewWriter(w, nil, state.Infos("", plan.Params()))
	if err != nil {
		return err
	}
	for _, x := range tensors {
		if err := s.F32(x); err != nil {
			return err
		}
	}
	return s.Close()
}
