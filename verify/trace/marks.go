package trace

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// A file of marks begins with its magic, the job, the assignment and their sum. A mark is a root and its sum.
const (
	marksMagic  = "VFDMARK1"
	marksHeader = len(marksMagic) + 3*merkle.Size
	markSize    = 2 * merkle.Size
)

// Bound is what a trace is of. The work goes on for the same alone.
type Bound struct{ Job, Assignment merkle.Hash }

// header is the beginning of the file of marks.
func (b Bound) header() []byte {
	h := append([]byte(marksMagic), b.Job[:]...)
	h = append(h, b.Assignment[:]...)
	sum := sha256.Sum256(h)
	return append(h, sum[:]...)
}

// mark says that the leaves of so many steps have a root.
func (b Bound) mark(steps uint64, root merkle.Hash) []byte {
	said := binary.LittleEndian.AppendUint64(b.header(), steps)
	sum := sha256.Sum256(append(said, root[:]...))
	return append(root[:], sum[:]...)
}

var (
	errUnmarked = errors.New("there is no mark")
	errUnnamed  = errors.New("the header is damaged")
)

// named reads whose marks a file has: errUnnamed if its header does not tell, or an error if they are another work's.
func (b Bound) named(r io.ReaderAt) error {
	got := make([]byte, marksHeader)
	if _, err := r.ReadAt(got, 0); err != nil && err != io.EOF {
		return err
	}
	var is Bound
	copy(is.Job[:], got[len(marksMagic):])
	copy(is.Assignment[:], got[len(marksMagic)+merkle.Size:])
	switch {
	case !bytes.Equal(got, is.header()):
		return errUnnamed
	case is.Job != b.Job:
		return fault.New(fault.WrongJob, "", "job", "work is going on for %v, this job is %v: name another folder", is.Job, b.Job)
	case is.Assignment != b.Assignment:
		return fault.New(fault.WrongJob, "", "assignment", "work is going on for %v, this assignment is %v: name another folder", is.Assignment, b.Assignment)
	}
	return nil
}

// marked reads what the mark of a boundary says: errUnmarked if the file ends before it.
func (w *Writer) marked(boundary uint64) (merkle.Hash, error) {
	mark := make([]byte, markSize)
	n, err := w.marks.ReadAt(mark, markAt(boundary))
	switch {
	case n == 0 && err == io.EOF:
		return merkle.Hash{}, errUnmarked
	case err != nil:
		return merkle.Hash{}, fault.Truncated(err)
	}
	root := merkle.Hash(mark[:merkle.Size])
	if !bytes.Equal(mark, w.bound.mark(w.shape.before(boundary), root)) {
		return merkle.Hash{}, fault.New(fault.Altered, "", "", "it is not this work's, or damaged")
	}
	return root, nil
}

// mark writes the mark of a boundary, behind which all leaves before it and its state are in the files.
func (w *Writer) mark(boundary uint64) error {
	_, err := w.marks.WriteAt(w.bound.mark(w.shape.before(boundary), w.tree.Root()), markAt(boundary))
	return err
}

func markAt(boundary uint64) int64 { return int64(marksHeader) + markSize*int64(boundary) }

// before is the number of steps before a boundary: that of segment N is before its first step, and the last one behind all.
func (s *Shape) before(boundary uint64) uint64 { return min(boundary*s.Stride, s.Steps) }

// boundaries is how many there are, one more than segments.
func (s *Shape) boundaries() uint64 { return (s.Steps+s.Stride-1)/s.Stride + 1 }

// statePath is where the state at a boundary lies.
func (w *Writer) statePath(boundary uint64) string {
	if boundary == w.shape.boundaries()-1 {
		return filepath.Join(w.dir, FinalFile)
	}
	return snapshotPath(w.dir, boundary)
}
