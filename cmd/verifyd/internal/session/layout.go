package session

import (
	"encoding/binary"
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// version names the lines of a session.
const version = "verifyd-session/1"

// align keeps tensors on cache lines.
const align = 64

// Place is where a tensor lies in the memory.
type Place struct {
	Name   string `json:"name"`
	Type   string `json:"type"` // "f32" or "i32", little-endian
	Shape  []int  `json:"shape"`
	Offset int    `json:"offset"` // in bytes

	bytes int
}

// hello is the first line.
type hello struct {
	Version string  `json:"version"`
	Program string  `json:"program"` // SHA-256 of the canonical program
	Steps   uint64  `json:"steps"`   // of the job
	Rows    int     `json:"rows"`    // of a step
	Batch   []Place `json:"batch"`
	State   []Place `json:"state"`
	Output  Place   `json:"output"` // of an evaluation, for the inputs in Batch
	Bytes   int     `json:"bytes"`  // that the memory must have
}

// places lays tensors out one after another from an offset on, and returns where the next one could begin.
func places(specs []program.TensorSpec, offset int) ([]Place, int) {
	var all []Place
	for _, t := range specs {
		p := Place{Name: t.Name, Type: t.Kind.String(), Shape: t.Shape, Offset: offset, bytes: 4 * t.Len()}
		all = append(all, p)
		offset += (p.bytes + align - 1) / align * align
	}
	return all, offset
}

// take copies a tensor from its place.
func (p *Place) take(memory []byte, b kernels.Buf) {
	from := memory[p.Offset:][:p.bytes]
	for i := range b.I {
		b.I[i] = int32(binary.LittleEndian.Uint32(from[4*i:]))
	}
	for i := range b.F {
		b.F[i] = math.Float32frombits(binary.LittleEndian.Uint32(from[4*i:]))
	}
}

// put copies a tensor to its place.
func (p *Place) put(memory []byte, b kernels.Buf) {
	to := memory[p.Offset:][:p.bytes]
	if b.I != nil {
		putInts(to, b.I)
		return
	}
	putFloats(to, b.F)
}
