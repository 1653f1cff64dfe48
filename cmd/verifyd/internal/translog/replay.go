package translog

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify/input"
)

// maxSegmentFile bounds what is read as a segment: one frame may begin just
// below maxSegment.
const maxSegmentFile = 2*maxSegment + 1<<10

const segmentSuffix = ".wal"

func segmentName(number uint64) string { return fmt.Sprintf("%016d", number) + segmentSuffix }

// segmentNumbers lists the segments of a journal in order. A folder that is
// not there is an empty journal.
func segmentNumbers(dir string) ([]uint64, error) {
	files, err := os.ReadDir(dir) // sorted by name
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	var numbers []uint64
	for _, f := range files {
		n, err := strconv.ParseUint(strings.TrimSuffix(f.Name(), segmentSuffix), 10, 64)
		if err != nil || segmentName(n) != f.Name() || !f.Type().IsRegular() {
			return nil, fmt.Errorf("journal: %s: not a segment", filepath.Join(dir, f.Name()))
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// readSegmentFile reads the entries of one segment.
func readSegmentFile(path string) (entries [][]byte, torn bool, err error) {
	f, _, err := input.Open(path)
	if err != nil {
		return nil, false, fmt.Errorf("journal: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSegmentFile+1))
	if err != nil {
		return nil, false, fmt.Errorf("journal: %w", err)
	}
	if entries, torn, err = readSegment(data); err != nil {
		return nil, false, fmt.Errorf("journal: %s: %w", path, err)
	}
	return entries, torn, nil
}

// readSegment returns the entries of a segment, in order. The end may be torn:
// a frame that a crash cut short was never acknowledged, and is left out. A
// broken frame before a good one is no torn end but damage, and an error.
func readSegment(data []byte) (entries [][]byte, torn bool, err error) {
	if len(data) > maxSegmentFile {
		return nil, false, fmt.Errorf("over the limit of %d bytes", maxSegmentFile)
	}
	if len(data) < headerSize {
		return nil, true, nil // frames are written after the header is on the disk
	}
	nonce := data[len(headerMagic):][:nonceSize]
	if !bytes.Equal(data[:headerSize], header([nonceSize]byte(nonce))) {
		return nil, false, errors.New("field header: damaged, or not a log's journal")
	}
	for at := headerSize; at < len(data); {
		payload, ok := frameAt(data, at, nonce)
		if !ok {
			if next := goodFrameAfter(data, at, nonce); next >= 0 {
				return nil, false, fmt.Errorf("field frame: damaged at byte %d, with a good one behind it at %d", at, next)
			}
			return entries, true, nil
		}
		at += frameHead + len(payload) + len(frameSum(nil, 0, nil))
		for len(payload) > 0 {
			if len(payload) < 2 || len(payload)-2 < int(binary.BigEndian.Uint16(payload)) {
				return nil, false, errors.New("field entry: longer than its frame")
			}
			n := 2 + int(binary.BigEndian.Uint16(payload))
			entries = append(entries, payload[2:n])
			payload = payload[n:]
		}
	}
	return entries, false, nil
}

// frameAt is the payload of the frame at an offset, if there is a good one.
func frameAt(data []byte, at int, nonce []byte) (payload []byte, ok bool) {
	rest := data[at:]
	if len(rest) < frameHead || !bytes.HasPrefix(rest, []byte(frameMagic)) {
		return nil, false
	}
	n := int(binary.BigEndian.Uint32(rest[len(frameMagic):]))
	sum := frameSum(nonce, int64(at), nil)
	if n > maxPayload || len(rest)-frameHead-len(sum) < n {
		return nil, false
	}
	payload = rest[frameHead : frameHead+n]
	sum = frameSum(nonce, int64(at), payload)
	return payload, bytes.Equal(rest[frameHead+n:][:len(sum)], sum[:])
}

// goodFrameAfter is the offset of a good frame past a broken one, or -1. Its
// work is bounded: only what looks like a frame is hashed, and no more than a
// few of those.
func goodFrameAfter(data []byte, at int, nonce []byte) int {
	const tries = 64
	for range tries {
		next := bytes.Index(data[at+1:], []byte(frameMagic))
		if next < 0 {
			return -1
		}
		at += 1 + next
		if _, ok := frameAt(data, at, nonce); ok {
			return at
		}
	}
	return -1
}

// fits says how many of the entries, of valid size, fit in one frame.
func fits(entries [][]byte) int {
	size := 0
	for i, e := range entries {
		if size += 2 + len(e); size > maxPayload || i == maxBatch {
			return i
		}
	}
	return len(entries)
}

// checkEntry refuses what no tile can hold.
func checkEntry(entry []byte) error {
	if n := len(entry); n == 0 || n > translog.MaxEntrySize {
		return fmt.Errorf("log entry: %d bytes, want 1 to %d", n, translog.MaxEntrySize)
	}
	return nil
}
