package trace

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/verify/fault"
)

// Open goes on with the trace in dir, or begins one if there is none. It refuses a directory of another work, and one in which
// another process writes. [Writer.Resume] says what of it is kept.
func Open(dir string, shape Shape, bound Bound) (*Writer, error) {
	making := os.Mkdir(dir, 0o755)
	if making != nil && !errors.Is(making, fs.ErrExist) {
		return nil, fmt.Errorf("trace: %w", making)
	}
	w := &Writer{dir: dir, shape: shape, bound: bound, made: making == nil}
	w.disk.begin()
	if err := w.enter(); err != nil {
		w.release()
		return nil, fmt.Errorf("trace: %w", err)
	}
	return w, nil
}

// enter opens the files. Those of another work stay as they are.
func (w *Writer) enter() (err error) {
	if w.marks, err = w.claim(); err != nil {
		return err
	}
	named := w.bound.named(w.marks)
	if named != nil && !errors.Is(named, errUnnamed) {
		return fault.In(filepath.Join(w.dir, marksFile), named)
	}
	if w.leaves, err = w.open(LeavesFile); err != nil {
		return err
	}
	if w.digests, err = w.open(digestsFile); err != nil {
		return err
	}
	w.records = bufio.NewWriterSize(w.digests, 1<<16)
	if named != nil {
		info, err := w.leaves.Stat()
		if err != nil {
			return err
		}
		if w.unnamed = info.Size() > LeavesSize(0); w.unnamed {
			return nil // what it is of shows in its states, if it does
		}
	}
	return w.begin()
}

// claim takes the directory for this process: it locks the file of marks.
func (w *Writer) claim() (*os.File, error) {
	if _, err := os.Lstat(filepath.Join(w.dir, marksFile)); errors.Is(err, fs.ErrNotExist) {
		if names, err := os.ReadDir(w.dir); err != nil {
			return nil, err
		} else if len(names) > 0 {
			return nil, fault.New(fault.WrongType, w.dir, "", "it holds %q, and no trace that could go on: name another folder", names[0].Name())
		}
	}
	marks, err := w.open(marksFile)
	if err != nil {
		return nil, err
	}
	if err := lock(marks); err != nil {
		return nil, errors.Join(fault.In(w.dir, err), marks.Close())
	}
	return marks, nil
}

// open opens a regular file of the directory, or makes it.
func (w *Writer) open(name string) (*os.File, error) {
	path := filepath.Join(w.dir, name)
	if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fault.New(fault.NotRegular, path, "", "a %v where a file is needed", info.Mode().Type())
	}
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
}

// begin writes what every trace of this work begins with, and cuts off what none has.
func (w *Writer) begin() error {
	if err := os.Mkdir(filepath.Join(w.dir, statesDir), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, f := range []struct {
		*os.File
		header []byte
		size   int64
	}{
		{w.marks, w.bound.header(), markAt(w.shape.boundaries())},
		{w.leaves, binary.LittleEndian.AppendUint64([]byte(leavesMagic), w.shape.Steps), LeavesSize(w.shape.Steps)},
		{w.digests, nil, int64(w.shape.Steps) * w.shape.digestBytes()},
	} {
		if _, err := f.WriteAt(f.header, 0); err != nil {
			return err
		}
		info, err := f.Stat()
		if err != nil {
			return err
		}
		if info.Size() > f.size {
			if err := f.Truncate(f.size); err != nil {
				return err
			}
		}
	}
	w.disk.made(w.dir)
	return w.seek()
}

func (w *Writer) release() {
	for _, f := range []*os.File{w.leaves, w.digests, w.marks} {
		if f != nil {
			f.Close()
		}
	}
}

// seek has the next step written behind those that are kept.
func (w *Writer) seek() error {
	if _, err := w.leaves.Seek(LeavesSize(w.tree.Size()), io.SeekStart); err != nil {
		return err
	}
	_, err := w.digests.Seek(int64(w.tree.Size())*w.shape.digestBytes(), io.SeekStart)
	w.records.Reset(w.digests)
	return err
}
