package translog

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// maxSegment is the size in bytes past which a new segment is begun.
const maxSegment = 16 << 20

// A journal records entries before the tree has them. It is a folder of
// segments; a segment is begun with every run, never touched again after it,
// and removed once a published checkpoint covers all that is in it.
type journal struct {
	dir string

	mu      sync.Mutex
	next    uint64 // number of the next segment
	file    *os.File
	nonce   [nonceSize]byte
	active  *segment   // what file is; nil before the first record
	retired []*segment // no longer written
	buf     []byte
}

// A segment is one file and how much of it the tree has.
type segment struct {
	path string
	size int64
	open int   // entries whose place in the tree is not known yet
	last int64 // highest index of those whose place is known
}

// A segment begins with a header: its magic, a nonce and the nonce's SHA-256.
// Then come frames, one a write: magic, payload length, payload (entries behind
// their 16-bit lengths), and the SHA-256 of nonce, offset, length and payload.
// The nonce is random, so that no entry can contain what passes for a frame.
const (
	headerMagic = "verifyd log journal v1\n"
	frameMagic  = "frame1\n\x00"
	nonceSize   = 16
	headerSize  = len(headerMagic) + nonceSize + sha256.Size
	frameHead   = len(frameMagic) + 4
	maxPayload  = maxSegment
)

// frameSum seals a frame: it belongs at this offset of this segment.
func frameSum(nonce []byte, offset int64, payload []byte) [sha256.Size]byte {
	h := sha256.New()
	h.Write(nonce)
	var n [16]byte
	binary.BigEndian.PutUint64(n[:8], uint64(offset))
	binary.BigEndian.PutUint64(n[8:], uint64(len(payload)))
	h.Write(n[:])
	h.Write(payload)
	return [sha256.Size]byte(h.Sum(nil))
}

// record writes entries, which together fit in a frame, and returns when they
// are on the disk. An error leaves it open whether they are, and ends the use
// of the journal.
func (j *journal) record(entries [][]byte) (*segment, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.active == nil || j.active.size > maxSegment {
		if err := j.begin(); err != nil {
			return nil, err
		}
	}
	buf := append(j.buf[:0], frameMagic...)
	buf = append(buf, 0, 0, 0, 0)
	for _, e := range entries {
		buf = binary.BigEndian.AppendUint16(buf, uint16(len(e)))
		buf = append(buf, e...)
	}
	payload := buf[frameHead:]
	if len(payload) > maxPayload {
		return nil, fmt.Errorf("journal: %d bytes at once, limit %d", len(payload), maxPayload)
	}
	binary.BigEndian.PutUint32(buf[len(frameMagic):], uint32(len(payload)))
	sum := frameSum(j.nonce[:], j.active.size, payload)
	buf = append(buf, sum[:]...)
	j.buf = buf
	if _, err := j.file.Write(buf); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	if err := j.file.Sync(); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j.active.size += int64(len(buf))
	j.active.open += len(entries)
	return j.active, nil
}

// begin starts a segment and makes its name durable.
func (j *journal) begin() error {
	if err := j.end(); err != nil {
		return err
	}
	if _, err := rand.Read(j.nonce[:]); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	path := filepath.Join(j.dir, segmentName(j.next))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	j.next++
	_, err = f.Write(header(j.nonce))
	if err = errors.Join(err, f.Sync(), syncFolder(j.dir)); err != nil {
		return errors.Join(fmt.Errorf("journal: %w", err), f.Close())
	}
	j.file = f
	j.active = &segment{path: path, size: int64(headerSize), last: -1}
	return nil
}

// header is the beginning of a segment.
func header(nonce [nonceSize]byte) []byte {
	sum := sha256.Sum256(nonce[:])
	return slices.Concat([]byte(headerMagic), nonce[:], sum[:])
}

// end closes the segment that is written.
func (j *journal) end() error {
	if j.active == nil {
		return nil
	}
	err := j.file.Close()
	j.retired = append(j.retired, j.active)
	j.file, j.active = nil, nil
	if err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}

// place notes that n entries of a segment are in the tree, the last of them at
// index.
func (j *journal) place(s *segment, n int, index int64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	s.open -= n
	s.last = max(s.last, index)
}

// forget removes the segments that hold nothing beyond a published tree of the
// given size.
func (j *journal) forget(published int64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	kept := j.retired[:0]
	var errs []error
	for _, s := range j.retired {
		if s.open > 0 || s.last >= published {
			kept = append(kept, s)
			continue
		}
		if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, fmt.Errorf("journal: %w", err))
			kept = append(kept, s)
		}
	}
	j.retired = kept
	return errors.Join(errs...)
}

// close ends the segment that is written, and removes what a published tree of
// the given size makes needless.
func (j *journal) close(published int64) error {
	j.mu.Lock()
	err := j.end()
	j.mu.Unlock()
	return errors.Join(err, j.forget(published))
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
