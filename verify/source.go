package verify

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/trace"
)

// The files of a bundle.
const (
	JobFile        = "job.json"
	ProgramFile    = "program.json"
	CurveFile      = "curve.json"
	AssignmentFile = "assignment.json"
	ClaimFile      = "claim.json"
	ReceiptFile    = "receipt.json"
	BeaconFile     = "beacon.json"
	OpeningFile    = "opening.json"
	OpenedFile     = "opened.json"
	LeavesFile     = trace.LeavesFile
	OpeningsDir    = "openings"

	// Proofs that the job's log has what the operator gave, and that any log has the opening's digest, which the
	// worker enters itself where the operator does not receive it.
	AssignmentProofFile   = AssignmentFile + ProofSuffix
	ReceiptProofFile      = ReceiptFile + ProofSuffix
	OpenedProofFile       = OpenedFile + ProofSuffix
	OpeningProofFile      = OpeningFile + ProofSuffix
	RegistrationProofFile = RegistrationFile + ProofSuffix

	// RegistrationFile is the operator's word of when the worker was known, where the job names a log and its
	// chain has rounds.
	RegistrationFile = "registration.json"
)

// ProofSuffix is what the file of a log proof (c2sp.org/tlog-proof) adds to the name of the file that it is of.
const ProofSuffix = ".tlog-proof"

// Source is where the files of a bundle lie: a [Folder], an [Archive] or a store of the caller's. Only names
// of this package are asked for, never one that a file holds. Nothing is believed of a source: what it gives
// is held against a signature or a hash, and it may give something else each time. Its methods may be called
// from any goroutine.
type Source interface {
	// Open opens a file. An error that wraps fs.ErrNotExist says that there is none; no error
	// begins with the name.
	Open(ctx context.Context, name string) (File, error)
}

// File is a file of a source.
type File interface {
	io.ReaderAt
	io.Closer
	Size() int64
}

// Folder is a bundle in a directory. Only regular files are read: a link could lead out of the bundle, and
// a pipe could block.
type Folder struct{ root *os.Root }

// OpenFolder opens a directory. The caller closes it.
func OpenFolder(dir string) (*Folder, error) {
	root, err := input.OpenFolder(dir)
	if err != nil {
		return nil, fault.In("bundle", err)
	}
	return &Folder{root}, nil
}

// Close closes the directory. Files that are open stay so.
func (f *Folder) Close() error { return f.root.Close() }

// Open implements Source.
func (f *Folder) Open(_ context.Context, name string) (File, error) {
	named, err := f.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !named.Mode().IsRegular() {
		return nil, errNotRegular
	}
	// What the name leads to may have changed: a pipe does not block, and another file is refused.
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !os.SameFile(named, info) {
		err = errNotRegular
	}
	if err != nil {
		file.Close()
		return nil, err
	}
	return folderFile{file, info.Size()}, nil
}

type folderFile struct {
	*os.File
	size int64
}

func (f folderFile) Size() int64 { return f.size }

var errNotRegular = fault.New(fault.NotRegular, "", "", "not a regular file")

// openLimited opens a file of at most limit bytes.
func openLimited(ctx context.Context, s Source, name string, limit int64) (File, error) {
	file, err := s.Open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Missing, name, "", "the file is missing: %w", fs.ErrNotExist)
	}
	if err != nil {
		return nil, fault.In(name, err)
	}
	if size := file.Size(); size > limit {
		file.Close()
		return nil, fault.New(fault.TooLarge, name, "", "%d bytes, the limit is %d", size, limit)
	}
	return file, nil
}

// content is a file from its beginning to the end that it had when it was opened.
func content(f File) io.Reader { return io.NewSectionReader(f, 0, f.Size()) }

// readDocument reads a document whole.
func readDocument(ctx context.Context, s Source, name string) ([]byte, error) {
	return readLimited(ctx, s, name, document.MaxSize)
}

// readLimited reads a file of at most limit bytes whole.
func readLimited(ctx context.Context, s Source, name string, limit int64) ([]byte, error) {
	file, err := openLimited(ctx, s, name, limit)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data := make([]byte, file.Size())
	if _, err := io.ReadFull(content(file), data); err != nil {
		return nil, fault.In(name, fault.Truncated(err))
	}
	return data, nil
}
