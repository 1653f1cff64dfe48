package state

import (
	"fmt"
	"io"

	"github.com/zeebo/blake3"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// Stream reads the file of a state front to back, a piece at a time, and hashes what it hands out: a state of any size in the
// memory of a piece. It serves one goroutine at a time.
type Stream struct {
	Counters Counters

	layout  *Layout
	file    string
	in      *safetensors.Reader
	digests []merkle.Hash
	tensor  int // that is read next
	at      int // elements of it that were
	chunks  merkle.Builder
	worker  worker
}

// NewStream begins to read a file that [Write] wrote for a layout, and refuses any other. Frozen is the root of the frozen tensors
// of a layout that has them. Errors begin with file.
func NewStream(r io.Reader, file string, l *Layout, frozen merkle.Hash) (*Stream, error) {
	in, err := safetensors.NewReader(r, file, l.Bytes())
	if err != nil {
		return nil, err
	}
	if err := in.Expect(Infos("", l.specs)); err != nil {
		return nil, err
	}
	c, err := ParseCounters(in.Metadata())
	if err != nil {
		return nil, fault.In(file, fault.Under("metadata", err))
	}
	s := &Stream{Counters: c, layout: l, file: file, in: in, digests: make([]merkle.Hash, l.Digests()), worker: worker{blake: blake3.New()}}
	if l.Digests() > len(l.specs) {
		s.digests[len(s.digests)-1] = frozen
	}
	return s, nil
}

// Next reads the next len(x) elements of the state's tensors, all of one tensor, and refuses numbers that are not finite.
func (s *Stream) Next(x []float32) error {
	if err := s.in.F32Part(x); err != nil {
		return err
	}
	if !Finite(x) {
		for k, v := range x {
			if v-v != 0 {
				return fault.New(fault.NotFinite, s.file, fmt.Sprintf("tensor %q", s.layout.specs[s.tensor].Name), "element %d is %v, finite numbers are needed", s.at+k, v)
			}
		}
	}
	n := s.layout.specs[s.tensor].Len()
	for len(x) > 0 {
		piece := x[:min(len(x), chunk-s.at%chunk)]
		if little.Native {
			s.worker.blake.Write(little.View(piece))
		} else {
			s.swapped(piece)
		}
		s.at, x = s.at+len(piece), x[len(piece):]
		if s.at%chunk == 0 || s.at == n {
			var sum merkle.Hash
			s.worker.blake.Sum(sum[:0])
			s.worker.blake.Reset()
			s.chunks.Append(merkle.LeafHash(sum[:]))
		}
	}
	if s.at == n {
		s.digests[s.tensor] = s.chunks.Root()
		s.chunks.Reset()
		s.tensor, s.at = s.tensor+1, 0
	}
	return nil
}

// swapped hashes elements on a big-endian machine.
func (s *Stream) swapped(x []float32) {
	for from := 0; from < len(x); from += block {
		s.worker.blake.Write(little.View(s.worker.canonical(x[from:min(from+block, len(x))])))
	}
}

// Close ends a state that was read whole, and returns its root. It does not close the source.
func (s *Stream) Close() (merkle.Hash, error) {
	if err := s.in.Close(); err != nil {
		return merkle.Hash{}, err
	}
	return s.layout.Root(s.Counters, s.digests), nil
}
