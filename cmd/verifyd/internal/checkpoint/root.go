package checkpoint

import (
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
)

// Root is the root of the tensors in their order, as a job has it: of a state without frozen tensors, or of a base. Files with
// other element types than F32 have none, and so have those with numbers that are not finite, which is an error.
func (c *Checkpoint) Root(threads int) (state.Kind, merkle.Hash, error) {
	kind, counters := state.Base, state.Counters{}
	if c.isState() {
		var err error
		if counters, err = state.ParseCounters(c.Metadata); err != nil {
			return "", merkle.Hash{}, fault.In(c.files[0].path, fault.Under("metadata", err))
		}
		kind = state.State
	}
	var specs []program.TensorSpec
	largest := 0
	for _, t := range c.Tensors {
		if t.DType != safetensors.F32 {
			return "", merkle.Hash{}, nil
		}
		spec := program.TensorSpec{Name: t.Name, Shape: t.Shape}
		largest = max(largest, spec.Len())
		specs = append(specs, spec)
	}
	layout, err := state.NewLayout(kind, specs)
	if err != nil {
		return "", merkle.Hash{}, fault.In(c.files[0].path, err)
	}
	x, buf := make([]float32, largest), make([]byte, 4*block)
	var digests []merkle.Hash
	for i, t := range c.Tensors {
		part := x[:specs[i].Len()]
		if err := t.read(0, part, buf); err != nil {
			return "", merkle.Hash{}, err
		}
		d, err := tensorDigest(specs[i], part, threads)
		if err != nil {
			return "", merkle.Hash{}, err
		}
		digests = append(digests, d)
	}
	return kind, layout.Root(counters, digests), nil
}
