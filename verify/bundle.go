package verify

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/trace"
)

// The files of a bundle.
const (
	JobFile     = "job.json"
	ProgramFile = "program.json"
	ClaimFile   = "claim.json"
	ReceiptFile = "receipt.json"
	BeaconFile  = "beacon.json"
	OpeningFile = "opening.json"
	LeavesFile  = trace.LeavesFile
	OpeningsDir = "openings"
)

// files reads a bundle's directory. Names are this package's own, and only regular files are read: a
// link could lead out of the bundle, and a pipe could block.
type files struct{ root *os.Root }

func openFiles(dir string) (*files, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return &files{root}, nil
}

func (f *files) close() { f.root.Close() }

// open opens a regular file of at most limit bytes.
func (f *files) open(name string, limit int64) (*os.File, int64, error) {
	info, err := f.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fmt.Errorf("%s: the file is missing: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s: not a regular file", name)
	}
	if info.Size() > limit {
		return nil, 0, fmt.Errorf("%s: %d bytes, the limit is %d", name, info.Size(), limit)
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", name, err)
	}
	return file, info.Size(), nil
}

// read reads a document.
func (f *files) read(name string) ([]byte, error) {
	file, size, err := f.open(name, document.MaxSize)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data := make([]byte, size)
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return data, nil
}

// segment calls use with the decompressed content of an opened segment, which may hold at most bytes of
// tensors, after checking that the file is the one that the worker signed for.
func (f *files) segment(s OpenedSegment, bytes int64, use func(name string, r io.Reader) error) error {
	name := segmentFile(s.Segment)
	file, size, err := f.open(name, packedLimit(bytes))
	if err != nil {
		return err
	}
	defer file.Close()
	if size != s.Size {
		return fmt.Errorf("%s: %d bytes, %s has %d", name, size, OpeningFile, s.Size)
	}
	sha := sha256.New()
	if _, err := io.Copy(sha, file); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if got := merkle.Hash(sha.Sum(nil)); got != s.Digest {
		return fmt.Errorf("%s: SHA-256 %v, %s has %v", name, got, OpeningFile, s.Digest)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	unpacked, err := safetensors.Decompress(bufio.NewReaderSize(file, 1<<16), name, unpackedLimit(bytes))
	if err != nil {
		return err
	}
	defer unpacked.Close()
	return use(name, unpacked)
}
