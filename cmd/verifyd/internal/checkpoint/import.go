package checkpoint

import (
	"context"
	"io"
	"math"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
)

// Import is how a base is written.
type Import struct {
	Plan    *program.Plan
	Threads int
	// Draw, if set, fills tensor i of Plan.Base where the checkpoint has none.
	Draw func(i int, x []float32) error
	// Progress, if set, is called with the bytes that are written.
	Progress func(done, total int64)
}

// one is a tensor on its way.
type one struct {
	x   []float32
	err error
}

// Write writes the base that a match makes to w, and gives its root: while one tensor is hashed and written the next one is read.
func (c *Checkpoint) Write(ctx context.Context, w io.Writer, m *Match, o Import) (merkle.Hash, error) {
	specs := o.Plan.Base()
	if o.Draw == nil {
		if err := m.Whole(); err != nil {
			return merkle.Hash{}, err
		}
	}
	layout, err := state.NewLayout(state.Base, specs)
	if err != nil {
		return merkle.Hash{}, err
	}
	out, err := safetensors.NewWriter(w, nil, state.Infos("", specs))
	if err != nil {
		return merkle.Hash{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var digests []merkle.Hash
	done := int64(0)
	for next := range ordered(ctx, specs, m, &o) {
		if next.err != nil {
			return merkle.Hash{}, next.err
		}
		digest, err := tensorDigest(specs[len(digests)], next.x, o.Threads)
		if err != nil {
			return merkle.Hash{}, err
		}
		digests = append(digests, digest)
		if err := out.F32(next.x); err != nil {
			return merkle.Hash{}, err
		}
		if done += 4 * int64(len(next.x)); o.Progress != nil {
			o.Progress(done, layout.Bytes())
		}
	}
	if err := ctx.Err(); err != nil {
		return merkle.Hash{}, err
	}
	for _, f := range c.files {
		if err := f.unchanged(); err != nil {
			return merkle.Hash{}, err
		}
	}
	return layout.Root(state.Counters{}, digests), out.Close()
}

// ordered reads the tensors one after the other, each while the one before is used.
func ordered(ctx context.Context, specs []program.TensorSpec, m *Match, o *Import) <-chan one {
	matched := make(map[string]Matched, len(m.Base))
	for _, b := range m.Base {
		matched[b.Spec.Name] = b
	}
	largest := 0
	for _, s := range specs {
		largest = max(largest, s.Len())
	}
	all := make(chan one)
	go func() {
		defer close(all)
		buf := make([]byte, 4*block)
		room := [2][]float32{} // one is used while the other is filled
		for i, spec := range specs {
			if room[i%2] == nil {
				room[i%2] = make([]float32, largest)
			}
			next := one{x: room[i%2][:spec.Len()]}
			if b, ok := matched[spec.Name]; ok {
				next.err = b.read(next.x, buf)
			} else {
				next.err = o.Draw(i, next.x)
			}
			select {
			case all <- next:
			case <-ctx.Done():
				return
			}
			if next.err != nil {
				return
			}
		}
	}()
	return all
}

// read fills x with the tensor, and refuses a copy of it that differs.
func (m *Matched) read(x []float32, buf []byte) error {
	if err := m.From.read(0, x, buf); err != nil || m.Same == nil {
		return err
	}
	part := make([]float32, block)
	for from := 0; from < len(x); from += block {
		n := min(block, len(x)-from)
		if err := m.Same.read(from, part[:n], buf); err != nil {
			return err
		}
		for k, v := range part[:n] {
			if w := x[from+k]; math.Float32bits(v) != math.Float32bits(w) {
				return m.Same.fail(fault.WrongType, "element %d is %v, and %v in %q, to which the program ties it", from+k, v, w, m.From.Name)
			}
		}
	}
	return nil
}

// tensorDigest is the digest of a tensor's content.
func tensorDigest(spec program.TensorSpec, x []float32, threads int) (merkle.Hash, error) {
	l, err := state.NewLayout(state.Base, []program.TensorSpec{spec})
	if err != nil {
		return merkle.Hash{}, err
	}
	return state.NewHasher(l, threads).Digests([][]float32{x})[0], nil
}
