package trace

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

// Reader reads a worker's own trace directory, to open what is challenged.
type Reader struct {
	dir     string
	shape   Shape
	leaves  *os.File
	digests *os.File
	summary Summary
	buf     []byte
}

// Read opens the trace in dir and reads all of its leaves once.
func Read(dir string, shape Shape) (*Reader, error) {
	leaves, _, err := input.Open(filepath.Join(dir, LeavesFile))
	if err != nil {
		return nil, fault.In("trace", err)
	}
	digests, _, err := input.Open(filepath.Join(dir, digestsFile))
	if err != nil {
		leaves.Close()
		return nil, fault.In("trace", err)
	}
	r := &Reader{dir: dir, shape: shape, leaves: leaves, digests: digests}
	if r.summary, err = r.scan(); err != nil {
		r.Close()
		return nil, err
	}
	r.buf = make([]byte, shape.digestBytes())
	return r, nil
}

func (r *Reader) scan() (Summary, error) {
	s, err := NewLeaves(bufio.NewReader(r.leaves), filepath.Join(r.dir, LeavesFile), r.shape.Steps)
	if err != nil {
		return Summary{}, err
	}
	var last Leaf
	for {
		l, err := s.Next()
		if err == io.EOF {
			return Summary{Steps: r.shape.Steps, Root: s.Root(), Final: last.Next}, nil
		}
		if err != nil {
			return Summary{}, err
		}
		last = l
	}
}

// Summary is what a claim says of the trace.
func (r *Reader) Summary() Summary { return r.summary }

// Leaves returns the leaf file's bytes from the beginning.
func (r *Reader) Leaves() io.Reader {
	return io.NewSectionReader(r.leaves, 0, LeavesSize(r.shape.Steps))
}

// Digests fills the digests of a step: the gradients' and the next state's.
func (r *Reader) Digests(step uint64, gradients, next []merkle.Hash) error {
	if _, err := r.digests.ReadAt(r.buf, int64(step)*int64(len(r.buf))); err != nil {
		return fault.In(filepath.Join(r.dir, digestsFile), fault.Under(fmt.Sprintf("step %d", step), fault.Truncated(err)))
	}
	b := r.buf
	for _, list := range [2][]merkle.Hash{gradients, next} {
		for i := range list {
			b = b[copy(list[i][:], b):]
		}
	}
	return nil
}

// Root is the root of the state before a step, as its leaf has it, or of the final state.
func (r *Reader) Root(step uint64) (merkle.Hash, error) {
	if step >= r.shape.Steps {
		return r.summary.Final, nil
	}
	leaves, err := ReadLeaves(r.leaves, step, 1)
	if err != nil {
		return merkle.Hash{}, fault.In(filepath.Join(r.dir, LeavesFile), err)
	}
	return leaves[0].State, nil
}

// Snapshot reads the state before the first step of a segment.
func (r *Reader) Snapshot(segment uint64, tensors [][]float32) (state.Counters, error) {
	return stored(snapshotPath(r.dir, segment), r.shape.State, tensors, state.Read)
}

// Final reads the state after the last step, whatever the numbers are that it has come to.
func (r *Reader) Final(tensors [][]float32) (state.Counters, error) {
	return stored(filepath.Join(r.dir, FinalFile), r.shape.State, tensors, state.ReadAny)
}

type readState func(r io.Reader, file string, l *state.Layout, tensors [][]float32) (state.Counters, error)

func stored(path string, l *state.Layout, tensors [][]float32, read readState) (state.Counters, error) {
	f, _, err := input.Open(path)
	if err != nil {
		return state.Counters{}, fault.In("trace", err)
	}
	defer f.Close()
	return read(bufio.NewReaderSize(f, 1<<16), path, l, tensors)
}

// Close closes the files.
func (r *Reader) Close() error {
	err := r.leaves.Close()
	if closing := r.digests.Close(); err == nil {
		err = closing
	}
	return err
}
