package trace

import (
	"bufio"
	"encoding/binary"
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
// segment comes a Snapshot.
type Writer struct {
	dir     string
	shape   Shape
	leaves  *file
	digests *file
	tree    merkle.Builder
	final   merkle.Hash
	stored  uint64 // snapshots written
	buf     []byte
}

// file is a buffered file.
type file struct {
	f *os.File
	w *bufio.Writer
}

func create(path string) (*file, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	return &file{f, bufio.NewWriterSize(f, 1<<16)}, nil
}

func (f *file) close() error {
	err := f.w.Flush()
	if closing := f.f.Close(); err == nil {
		err = closing
	}
	return err
}

// Create makes the directory dir, which must not exist, and begins a trace in it.
func Create(dir string, shape Shape) (*Writer, error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	if err := os.Mkdir(filepath.Join(dir, statesDir), 0o755); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	leaves, err := create(filepath.Join(dir, LeavesFile))
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	header := binary.LittleEndian.AppendUint64([]byte(leavesMagic), shape.Steps)
	if _, err := leaves.w.Write(header); err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	digests, err := create(filepath.Join(dir, digestsFile))
	if err != nil {
		leaves.f.Close()
		return nil, fmt.Errorf("trace: %w", err)
	}
	return &Writer{dir: dir, shape: shape, leaves: leaves, digests: digests}, nil
}

// The files of a trace directory.
const (
	LeavesFile  = "leaves.bin"
	digestsFile = "digests.bin"
	statesDir   = "states"
	FinalFile   = "final.safetensors"
)

func snapshotPath(dir string, segment uint64) string {
	return filepath.Join(dir, statesDir, strconv.FormatUint(segment, 10)+".safetensors")
}

// Snapshot stores the state before the first step of the next segment.
func (w *Writer) Snapshot(c state.Counters, tensors [][]float32) error {
	if first := w.stored * w.shape.Stride; w.tree.Size() != first || first >= w.shape.Steps {
		return fmt.Errorf("trace: a snapshot before step %d, the next belongs before step %d", w.tree.Size(), first)
	}
	if err := w.store(snapshotPath(w.dir, w.stored), c, tensors); err != nil {
		return fmt.Errorf("trace: snapshot %d: %w", w.stored, err)
	}
	w.stored++
	return nil
}

// Final stores the state after the last step, whose root the claim names: what the worker hands on for a round.
func (w *Writer) Final(c state.Counters, tensors [][]float32) error {
	if w.tree.Size() != w.shape.Steps {
		return fmt.Errorf("trace: the final state after step %d of %d", w.tree.Size(), w.shape.Steps)
	}
	if err := w.store(filepath.Join(w.dir, FinalFile), c, tensors); err != nil {
		return fmt.Errorf("trace: final state: %w", err)
	}
	return nil
}

func (w *Writer) store(path string, c state.Counters, tensors [][]float32) error {
	f, err := create(path)
	if err != nil {
		return err
	}
	return errors.Join(state.Write(f.w, w.shape.State, c, tensors), f.close())
}

// Append records the next step. It allocates nothing.
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
	if _, err := w.leaves.w.Write(w.buf); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	for _, list := range [2][]merkle.Hash{s.Gradients, s.Next} {
		for i := range list {
			if _, err := w.digests.w.Write(list[i][:]); err != nil {
				return fmt.Errorf("trace: %w", err)
			}
		}
	}
	w.tree.Append(merkle.LeafHash(w.buf))
	w.final = s.Leaf.Next
	return nil
}

// Close finishes the files and returns what a claim says of them. Without all of the steps it returns
// an error; the files are closed all the same.
func (w *Writer) Close() (Summary, error) {
	err := w.leaves.close()
	if closing := w.digests.close(); err == nil {
		err = closing
	}
	if err == nil && w.tree.Size() != w.shape.Steps {
		err = fmt.Errorf("%d steps of %d", w.tree.Size(), w.shape.Steps)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("trace: %w", err)
	}
	return Summary{Steps: w.shape.Steps, Root: w.tree.Root(), Final: w.final}, nil
}
