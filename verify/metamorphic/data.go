package metamorphic

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// drawData draws samples for a program, stored in a layout that is drawn.
func drawData(r *rand.Rand, plan *program.Plan) (*job.Dataset, error) {
	samples := 3 + r.IntN(20)
	specs := plan.Rows()
	limits := make([]int, len(specs)) // of ids
	for i, spec := range specs {
		limits[i] = vocabulary
		if params := plan.Params(); i == len(specs)-1 && spec.Kind == kernels.I32 {
			limits[i] = params[len(params)-1].Shape[0] // of the last layer's weight or bias
		}
	}
	var l job.Layout
	if len(specs) == 2 && isTokens(specs) && !one(r, 3) {
		context := specs[0].Shape[1]
		l.Tokens = &job.Tokens{DType: pick(r, safetensors.U16, safetensors.I32), Context: uint64(context), Stride: 1 + r.Uint64N(9)}
		return job.NewStored(l, [][]byte{ids(r, l.Tokens.DType, samples*(context+1), min(limits[0], limits[1]))})
	}
	var all [][]byte
	for i, spec := range specs {
		t := job.Stored{Name: spec.Name, DType: safetensors.F32, Shape: spec.Shape[1:]}
		n := spec.Len() / spec.Shape[0] * samples
		switch {
		case spec.Kind == kernels.I32:
			t.DType = pick(r, safetensors.I32, safetensors.U16, safetensors.U8)
			all = append(all, ids(r, t.DType, n, limits[i]))
		case one(r, 2):
			t.DType = pick(r, safetensors.U8, safetensors.U16)
			channels := 1
			if len(t.Shape) > 0 && one(r, 2) {
				channels = t.Shape[0]
			}
			for range channels {
				t.Scale, t.Offset = append(t.Scale, 1/float32(100+r.IntN(50))), append(t.Offset, float32(r.IntN(256))/-256)
			}
			all = append(all, ids(r, t.DType, n, 256))
		default:
			var b []byte
			for range n {
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(r.IntN(512)-256)/256))
			}
			all = append(all, b)
		}
		l.Tensors = append(l.Tensors, t)
	}
	return job.NewStored(l, all)
}

// isTokens says whether the tensors may be those of a stream of tokens.
func isTokens(specs []program.TensorSpec) bool {
	x, y := specs[0], specs[1]
	return x.Name == "x" && x.Kind == kernels.I32 && y.Kind == kernels.I32 && len(x.Shape) == 2 && slices.Equal(x.Shape, y.Shape)
}

// ids are stored elements of a type, below a limit.
func ids(r *rand.Rand, dtype safetensors.DType, n, limit int) (b []byte) {
	for range n {
		var word [4]byte
		binary.LittleEndian.PutUint32(word[:], uint32(r.IntN(limit)))
		b = append(b, word[:dtype.Size()]...)
	}
	return b
}
