package optest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// Digest is one operator's accumulated digest.
type Digest struct {
	Operator string // and behind it "@" and the profile, unless that is drn1/f32
	Sum      [sha256.Size]byte
}

// Digests runs each operator runs times on b, on seeded shapes, data and offsets, and hashes all
// outputs into one SHA-256 an operator. Floats enter little endian with every NaN as 0x7fc00000.
// Operators with several entries in the table have one digest over all of them.
func Digests(b Backend, runs int) ([]Digest, error) {
	machine, err := reference()
	if err != nil {
		return nil, err
	}
	defer machine.Close()
	var all []Digest
	entries := table()
	for _, name := range names() {
		hash := sha256.New()
		for i := range runs {
			for _, e := range entries {
				if label(e.shapes[0]) != name {
					continue
				}
				out, err := e.outputs(i, b, CPU(machine))
				if err != nil {
					return nil, err
				}
				hash.Write(out)
			}
		}
		all = append(all, Digest{Operator: name, Sum: [sha256.Size]byte(hash.Sum(nil))})
	}
	return all, nil
}

// outputs is what run i of an entry gives on b.
func (e *entry) outputs(i int, b, ref Backend) ([]byte, error) {
	r := source(i)
	c := Case{Op: e.random(&r), Data: Class(r.below(int(classes))), Offset: r.below(4), entry: e}
	bufs, err := c.buffers(ref)
	if err != nil {
		return nil, fmt.Errorf("%v: %w", c, err)
	}
	for j := range bufs {
		bufs[j] = place(bufs[j], c.Offset).content()
	}
	if err := b.Run(c.Op, bufs); err != nil {
		return nil, fmt.Errorf("%v: %w", c, err)
	}
	var out []byte
	for j, o := range c.Op.Operands() {
		if o.Access != kernels.In {
			for k := range length(bufs[j]) {
				out = binary.LittleEndian.AppendUint32(out, result(bufs[j], k))
			}
		}
	}
	return out, nil
}
