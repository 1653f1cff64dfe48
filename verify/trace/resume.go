package trace

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

// Source is what a directory is held against.
type Source struct {
	// Counters are those of the state before a step.
	Counters func(step uint64) state.Counters
	// Load makes a state the one from which the next step is trained, and hashes it. Its tensors are what fill writes.
	Load func(fill func(tensors [][]float32) error) (digests []merkle.Hash, err error)
	// Start is the root of the state before step 0.
	Start merkle.Hash
}

// Kept is what of a directory is sound, from its beginning on.
type Kept struct {
	Steps    uint64      // whose work is kept
	Root     merkle.Hash // of the state before the next step
	Loaded   bool        // whether that was found there, and loaded
	Lost     bool        // whether none was, and what was loaded before is so no longer
	Repeated uint64      // steps that are in the directory, too, and must be done again
	Damage   error       // why nothing behind is kept, if a state was there; nil if the work ended here
}

// Resume keeps the work of a directory from where the writer is to the last state before which all is sound, and loads that. It is
// called before the first step, and again behind a state that was made anew: what was sound behind it is kept then.
func (w *Writer) Resume(s Source) (Kept, error) {
	var kept Kept
	if w.unnamed {
		kept.Lost = true
		if err := w.ours(s); err != nil {
			return Kept{}, fmt.Errorf("trace: %w", err)
		}
		if err := w.begin(); err != nil {
			return Kept{}, fmt.Errorf("trace: %w", err)
		}
		w.unnamed = false
	}
	for w.stored < w.shape.boundaries() {
		bad, err := w.keep(s, &kept)
		if err != nil {
			return Kept{}, fmt.Errorf("trace: %w", err)
		}
		if bad != nil {
			if !errors.Is(bad, errUnmarked) {
				kept.Damage = bad
			}
			break
		}
	}
	if kept.Lost && w.stored > 0 {
		if bad, err := w.load(s, w.stored-1, w.root(s)); err != nil || bad != nil {
			return Kept{}, fmt.Errorf("trace: %w", errors.Join(bad, err))
		}
		kept.Loaded, kept.Lost = true, false
	}
	kept.Steps, kept.Root = w.tree.Size(), w.root(s)
	kept.Repeated = w.behind()
	return kept, w.seek()
}

// behind counts the leaves that are in the file behind those that are kept.
func (w *Writer) behind() (n uint64) {
	var step [8]byte
	for first := w.tree.Size(); first+n < w.shape.Steps; n++ {
		if _, err := w.leaves.ReadAt(step[:], LeavesSize(first+n)); err != nil || binary.LittleEndian.Uint64(step[:]) != first+n {
			break
		}
	}
	return n
}

// Ahead says whether the directory has a state at the next boundary already, which may be kept.
func (w *Writer) Ahead() bool {
	_, err := w.marked(w.stored)
	return err == nil
}

// ours refuses a directory that does not tell what it is of, and has states of another work.
func (w *Writer) ours(s Source) error {
	for b := range w.shape.boundaries() {
		if _, err := w.marked(b); err == nil {
			return nil
		}
	}
	path := w.statePath(1)
	_, err := s.Load(func(tensors [][]float32) error {
		c, err := stored(path, w.shape.State, tensors, state.ReadAny)
		if err == nil && c != s.Counters(w.shape.before(1)) {
			err = fault.New(fault.WrongJob, path, "", "a state of another work: name another folder")
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fault.In(filepath.Join(w.dir, marksFile), fault.Under("header", fmt.Errorf("it is damaged, and nothing else says whose work this is: %w", err)))
	}
	return nil
}

// root is the one of the state before the next step.
func (w *Writer) root(s Source) merkle.Hash {
	if w.tree.Size() == 0 {
		return s.Start
	}
	return w.final
}

// keep goes on to the next boundary, if all before it is sound, or says what is bad. An error is one of this machine.
func (w *Writer) keep(s Source, kept *Kept) (bad, err error) {
	want, bad := w.marked(w.stored)
	if bad != nil {
		return fault.In(filepath.Join(w.dir, marksFile), fault.Under(fmt.Sprintf("mark %d", w.stored), bad)), nil
	}
	tree, final := w.tree, w.final
	if bad := w.replayLeaves(s, w.shape.before(w.stored)); bad != nil {
		w.tree, w.final = tree, final
		return bad, nil
	}
	if got := w.tree.Root(); got != want {
		w.tree, w.final = tree, final
		return fault.New(fault.Altered, filepath.Join(w.dir, LeavesFile), "", "the root of %d leaves is %v, %s has %v", w.shape.before(w.stored), got, marksFile, want), nil
	}
	kept.Lost = true
	if bad, err := w.load(s, w.stored, w.root(s)); bad != nil || err != nil {
		w.tree, w.final = tree, final
		return bad, err
	}
	kept.Loaded, kept.Lost = true, false
	w.stored++
	return nil, nil
}

// replayLeaves appends the leaves that are in the file up to a step, and holds the digests against them.
func (w *Writer) replayLeaves(s Source, to uint64) error {
	first := w.tree.Size()
	size := w.shape.digestBytes()
	leaves := bufio.NewReaderSize(io.NewSectionReader(w.leaves, LeavesSize(first), int64(to-first)*LeafSize), 1<<16)
	digests := bufio.NewReaderSize(io.NewSectionReader(w.digests, int64(first)*size, int64(to-first)*size), 1<<16)
	var buf [LeafSize]byte
	gradients, next := make([]merkle.Hash, w.shape.Gradient.Digests()), make([]merkle.Hash, w.shape.State.Digests())
	for t := first; t < to; t++ {
		if _, err := io.ReadFull(leaves, buf[:]); err != nil {
			return fault.In(filepath.Join(w.dir, LeavesFile), fault.Under(fmt.Sprintf("leaf %d", t), fault.Truncated(err)))
		}
		l := decodeLeaf(buf[:])
		for _, list := range [2][]merkle.Hash{gradients, next} {
			for i := range list {
				if _, err := io.ReadFull(digests, list[i][:]); err != nil {
					return fault.In(filepath.Join(w.dir, digestsFile), fault.Under(fmt.Sprintf("step %d", t), fault.Truncated(err)))
				}
			}
		}
		if w.shape.Gradient.Root(s.Counters(t), gradients) != l.Gradient || w.shape.State.Root(s.Counters(t+1), next) != l.Next {
			return fault.New(fault.Altered, filepath.Join(w.dir, digestsFile), fmt.Sprintf("step %d", t), "the digests are not those of the leaf")
		}
		w.tree.Append(merkle.LeafHash(buf[:]))
		w.final = l.Next
	}
	return nil
}

// load loads the state at a boundary, or says what is bad of its file. An error is one of this machine.
func (w *Writer) load(s Source, boundary uint64, root merkle.Hash) (bad, err error) {
	path, counters := w.statePath(boundary), s.Counters(w.shape.before(boundary))
	digests, err := s.Load(func(tensors [][]float32) error {
		var c state.Counters
		if c, bad = stored(path, w.shape.State, tensors, state.ReadAny); bad == nil && c != counters {
			bad = fault.New(fault.Altered, path, "metadata", "not that of the state before step %d", counters.Step)
		}
		return bad
	})
	if bad != nil {
		return bad, nil
	}
	if err != nil {
		return nil, err
	}
	if got := w.shape.State.Root(counters, digests); got != root {
		return fault.New(fault.Altered, path, "", "the state has root %v, the leaves have %v", got, root), nil
	}
	return nil, nil
}
