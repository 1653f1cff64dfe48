package registry

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/spent"
)

// Spent is a pool's book of spent work in one file, which outlives crashes. Any number of processes use the file at
// once; each method reads what the others wrote, takes effect as a whole or not at all, and has it on the disk for good
// when it returns nil.
//
// The file is text: a line that says what it is, then batches. A batch has a line for each body and one that closes it,
//
//	spent NULLIFIER DIGEST EPOCH ISSUED ACCOUNT UNITS CUMULATIVE
//	revoked DIGEST
//	closed LINES SUM
//
// SUM being the SHA-256 of the sum of the batch before (nothing for the first) and the batch's other lines. Only batches
// that are closed count: what a crash left behind the last one was promised to nobody, and is overwritten.
type Spent struct {
	mu   sync.Mutex
	path string
	file *os.File
	book spent.Book
	sum  []byte // of the last batch that was read
	size int64  // of what was read of the file: up to the end of that batch
	err  error  // after a write that failed: what the file holds is not known
}

// spentHeader begins the file.
const spentHeader = "verifyd-spent/1\n"

// maxSpent bounds the file in bytes: some eight million bodies.
const maxSpent = 2 << 30

// InitSpent makes the file of a pool that has paid nothing. It must not exist.
func InitSpent(path string) (err error) {
	draft, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".new")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(draft.Name())) }()
	_, err = draft.WriteString(spentHeader)
	if err := errors.Join(err, draft.Chmod(0o644), draft.Sync(), draft.Close()); err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// OpenSpent opens the file of a pool, which must exist: one that is made anew has forgotten what was paid.
func OpenSpent(path string) (*Spent, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would wait for a writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	s := &Spent{path: path, file: f}
	if err := s.alone(func() error { return nil }); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// Close ends the use of the file.
func (s *Spent) Close() error { return s.file.Close() }

// Book is what the file holds now, to be read until the next call of another method.
func (s *Spent) Book() (*spent.Book, error) {
	return s.book.Over(), s.alone(func() error { return nil })
}

// Check says whether Record would take these contributions, and records nothing.
func (s *Spent) Check(contributions ...proofs.Contribution) error {
	return s.alone(func() error {
		_, err := s.spend(s.book.Over(), contributions)
		return err
	})
}

// Record lets the body of each contribution stand for its nullifier: all of them, or none if another body stands for
// one, which is a [spent.Error].
func (s *Spent) Record(contributions ...proofs.Contribution) error {
	return s.alone(func() error {
		over := s.book.Over()
		lines, err := s.spend(over, contributions)
		if err != nil {
			return err
		}
		return s.append(lines, over)
	})
}

// Revoke takes back bodies by their digests. That a quorum did so is for the caller to know.
func (s *Spent) Revoke(targets ...proofs.Hash) error {
	return s.alone(func() error {
		over := s.book.Over()
		var lines []string
		for _, target := range targets {
			if !over.Revoked(target) {
				over.Revoke(target)
				lines = append(lines, revokedLine(target))
			}
		}
		return s.append(lines, over)
	})
}

// spend spends contributions in a book and returns the lines of those that are new in it.
func (s *Spent) spend(book *spent.Book, contributions []proofs.Contribution) (lines []string, err error) {
	for _, c := range contributions {
		w, err := spent.Of(c)
		if err != nil {
			return nil, err
		}
		before, known := book.Paid(w.Nullifier)
		if err := book.Spend(w); err != nil {
			return nil, fmt.Errorf("%s: %w", s.path, err)
		}
		if !known || before.Digest != w.Digest {
			lines = append(lines, spentLine(w))
		}
	}
	return lines, nil
}

// alone runs use while no other process uses the file, once all that they wrote is read.
func (s *Spent) alone(use func() error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	unlock, err := lock(s.file)
	if err != nil {
		return fmt.Errorf("%s: %w", s.path, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if err := s.catchUp(); err != nil {
		s.err = fmt.Errorf("%s: byte %d: %w", s.path, s.size, err)
		return s.err
	}
	return use()
}

// catchUp reads the batches behind those that were read.
func (s *Spent) catchUp() error {
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < s.size || info.Size() > maxSpent {
		return fmt.Errorf("the file has %d bytes, want this many and at most %d", info.Size(), maxSpent)
	}
	data := make([]byte, info.Size()-s.size)
	if _, err := s.file.ReadAt(data, s.size); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if s.size == 0 {
		if !bytes.HasPrefix(data, []byte(spentHeader)) {
			return errors.New("not a file of spent work")
		}
		s.size, data = int64(len(spentHeader)), data[len(spentHeader):]
	}
	for {
		lines, n := nextBatch(data)
		if n == 0 {
			return nil // what is left of a crash
		}
		sum := batchSum(s.sum, lines)
		if string(data[:n]) != closeBatch(lines, sum) {
			return errors.New("damaged: this batch is not the one that was closed")
		}
		if err := readBatch(&s.book, lines); err != nil {
			return err
		}
		s.sum, s.size, data = sum, s.size+int64(n), data[n:]
	}
}

// append writes a batch behind the last one, brings it onto the disk, and commits the book that has it.
func (s *Spent) append(lines []string, book *spent.Book) error {
	if len(lines) == 0 {
		return nil
	}
	sum := batchSum(s.sum, lines)
	batch := closeBatch(lines, sum)
	err := s.file.Truncate(s.size)
	if err == nil {
		_, err = s.file.WriteAt([]byte(batch), s.size)
	}
	if err == nil {
		err = s.file.Sync()
	}
	if err != nil {
		s.err = fmt.Errorf("%s: open it again when the cause is gone: %w", s.path, err)
		return s.err
	}
	s.sum, s.size = sum, s.size+int64(len(batch))
	book.Commit()
	return nil
}
