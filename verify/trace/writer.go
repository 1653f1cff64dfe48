package trace

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

// Shape is what a trace's files depend on. It follows from a job and its program.
type Shape struct {
	Steps, Stride uint64
	State         *state.Layout
	Gradient      *state.Layout
}

// digestBytes is the size of one step's digests.
func (s *Shape) digestBytes() int64 {
	return int64(merkle.Size * (s.Gradient.Digests() + s.State.Digests()))
}

// Step is what a worker records of one step.
type Step struct {
	Leaf      Leaf
	Gradients []merkle.Hash // digests by tensor of what Leaf.Gradient covers
	Next      []merkle.Hash // digests by tensor of what Leaf.Next covers
}

// Summary is what a claim says of a trace.
type Summary struct {
	Steps uint64
	Root  merkle.Hash // over the leaves
	Final merkle.Hash // root of the state after the last step
}

// Writer writes a trace directory. Append takes the steps in order; before the first step of each
// segment comes a Snapshot. One process at a time has a directory.
type Writer struct {
	dir     string
	shape   Shape
	bound   Bound
	marks   *os.File // has the lock
	leaves  *os.File
	digests *os.File
	records *bufio.Writer // of digests
	made    bool          // whether the directory was not there before
	unnamed bool          // whether the directory does not tell what it is of
	tree    merkle.Builder
	final   merkle.Hash
	stored  uint64 // states at boundaries that are written
	buf     []byte
	disk    disk
}

// Create makes the directory dir, which must not exist, and begins a trace in it.
func Create(dir string, shape Shape, bound Bound) (*Writer, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	return Open(dir, shape, bound)
}

// The files of a trace directory.
const (
	LeavesFile  = "leaves.bin"
	digestsFile = "digests.bin"
	marksFile   = "marks.bin"
	statesDir   = "states"
	FinalFile   = "final.safetensors"

	unfinishedFile = "unfinished.safetensors" // a state until all of it is written
)

func snapshotPath(dir string, segment uint64) string {
	return filepath.Join(dir, statesDir, strconv.FormatUint(segment, 10)+".safetensors")
}

// Steps is the number of steps recorded.
func (w *Writer) Steps() uint64 { return w.tree.Size() }

// Snapshot stores the state before the first step of the next segment.
func (w *Writer) Snapshot(c state.Counters, tensors [][]float32) error {
	if first := w.stored * w.shape.Stride; w.tree.Size() != first || first >= w.shape.Steps {
		return fmt.Errorf("trace: a snapshot before step %d, the next belongs before step %d", w.tree.Size(), first)
	}
	if err := w.store(c, tensors); err != nil {
		return fmt.Errorf("trace: snapshot %d: %w", w.stored, err)
	}
	return nil
}

// Final stores the state after the last step, whose root the claim names: what the worker hands on for a round.
func (w *Writer) Final(c state.Counters, tensors [][]float32) error {
	if w.tree.Size() != w.shape.Steps {
		return fmt.Errorf("trace: the final state after step %d of %d", w.tree.Size(), w.shape.Steps)
	}
	if w.stored == w.shape.boundaries() {
		return errors.New("trace: a second final state")
	}
	if err := w.store(c, tensors); err != nil {
		return fmt.Errorf("trace: final state: %w", err)
	}
	return nil
}

// store writes the state at the next boundary, whole or not at all, and then its mark.
func (w *Writer) store(c state.Counters, tensors [][]float32) error {
	path, unfinished := w.statePath(w.stored), filepath.Join(w.dir, unfinishedFile)
	f, err := os.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(f, 1<<16)
	if err := errors.Join(state.Write(out, w.shape.State, c, tensors), out.Flush(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(unfinished))
	}
	if err := os.Rename(unfinished, path); err != nil {
		return err
	}
	if err := w.records.Flush(); err != nil {
		return err
	}
	if err := w.mark(w.stored); err != nil {
		return err
	}
	w.disk.wrote(path)
	if w.disk.due() {
		if err := w.disk.sync(w.leaves, w.digests, w.marks); err != nil {
			return err
		}
	}
	w.stored++
	return nil
}

// Append records the next step. It allocates nothing. After an error the trace can only be closed.
func (w *Writer) Append(s *Step) error {
	if w.tree.Size() == w.shape.Steps {
		return fmt.Errorf("trace: more than %d steps", w.shape.Steps)
	}
	if w.tree.Size() >= w.stored*w.shape.Stride {
		return fmt.Errorf("trace: step %d: the snapshot of its segment is missing", w.tree.Size())
	}
	if len(s.Gradients) != w.shape.Gradient.Digests() || len(s.Next) != w.shape.State.Digests() {
		return fmt.Errorf("trace: step %d: %d and %d digests", w.tree.Size(), len(s.Gradients), len(s.Next))
	}
	w.buf = s.Leaf.Append(w.buf[:0])
	if _, err := w.leaves.Write(w.buf); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	for _, list := range [2][]merkle.Hash{s.Gradients, s.Next} {
		for i := range list {
			if _, err := w.records.Write(list[i][:]); err != nil {
				return fmt.Errorf("trace: %w", err)
			}
		}
	}
	w.tree.Append(merkle.LeafHash(w.buf))
	w.final = s.Leaf.Next
	return nil
}

// Close finishes the files and returns what a claim says of them. Without all of the steps it returns
// an error; the files are closed all the same, and Open goes on with them.
func (w *Writer) Close() (Summary, error) {
	err := w.records.Flush()
	for _, f := range []*os.File{w.leaves, w.digests, w.marks} {
		if closing := f.Close(); err == nil {
			err = closing
		}
	}
	if err == nil && w.tree.Size() != w.shape.Steps {
		err = fmt.Errorf("%d steps of %d", w.tree.Size(), w.shape.Steps)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("trace: %w", err)
	}
	return Summary{Steps: w.shape.Steps, Root: w.tree.Root(), Final: w.final}, nil
}

// Leave closes the files as they are, and Open goes on with them. A directory that it made, and in which no step is recorded, goes.
func (w *Writer) Leave() error {
	made, none := w.made, w.tree.Size() == 0
	_, _ = w.Close() // it fails on a trace that is not whole
	if made && none {
		return os.RemoveAll(w.dir)
	}
	return nil
}
