package data

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

const (
	indexMagic = "VFDINDX1"
	// maxIndexHead bounds what an index says before its hashes, in bytes.
	maxIndexHead = 1 << 20
)

// Index is what the file of an index says of a data set before the hashes of its samples.
type Index struct {
	Data  job.Data    `json:"data"`
	Files []IndexFile `json:"files"` // in their order
}

// IndexFile is a file of a data set. Its name is for people: nothing is opened by it.
type IndexFile struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
	At    int64  `json:"at"` // where its first row begins
}

// head is what an index of the files says, with any root.
func (f *Files) head(root merkle.Hash) Index {
	x := Index{Data: job.Data{Root: root, Samples: f.samples, Layout: f.layout}}
	for _, s := range f.sources {
		at := int64(-1)
		for _, c := range f.columns {
			for _, p := range c.parts {
				if p.source == s && (at < 0 || p.at < at) {
					at = p.at
				}
			}
		}
		x.Files = append(x.Files, IndexFile{filepath.Base(s.path), s.info.Size(), at})
	}
	return x
}

// encode is the beginning of the file.
func (x Index) encode() ([]byte, error) {
	text, err := document.Encode(x)
	if err != nil {
		return nil, err
	}
	if len(text) > maxIndexHead {
		return nil, fault.New(fault.TooLarge, "", "", "%d bytes to describe the files of an index, the limit is %d", len(text), maxIndexHead)
	}
	b := binary.LittleEndian.AppendUint32([]byte(indexMagic), uint32(len(text)))
	return append(b, text...), nil
}

// WriteIndex hashes all samples and writes an index of them to path, which must not exist. Nothing is left there unless all of it is.
func (f *Files) WriteIndex(ctx context.Context, path string, progress func(done, total uint64)) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fault.New(fault.Altered, path, "", "there is a file already")
	}
	before, err := f.head(merkle.Hash{}).encode()
	if err != nil {
		return err
	}
	out, err := os.CreateTemp(filepath.Dir(path), ".verifyd-index-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreClosed(out.Close()), os.Remove(out.Name()))
		}
	}()
	at := int64(len(before)) // a root takes the same room whichever it is
	err = f.pass(ctx, func(first uint64, leaves []merkle.Hash) error {
		_, err := out.WriteAt(flat(leaves), at+int64(first)*merkle.Size)
		return err
	}, progress)
	if err != nil {
		return err
	}
	tree, err := merkle.NewBlocks(f.samples, leavesAt(out, at))
	if err != nil {
		return err
	}
	head, err := f.head(tree.Root()).encode()
	if err != nil {
		return err
	}
	if _, err := out.WriteAt(head, 0); err != nil {
		return err
	}
	if err := errors.Join(out.Chmod(0o644), out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), path)
}

// ignoreClosed is err, unless it says that a file was closed before.
func ignoreClosed(err error) error {
	if errors.Is(err, os.ErrClosed) {
		return nil
	}
	return err
}

// flat is the bytes of hashes.
func flat(leaves []merkle.Hash) []byte {
	b := make([]byte, 0, len(leaves)*merkle.Size)
	for i := range leaves {
		b = append(b, leaves[i][:]...)
	}
	return b
}

// leavesAt reads hashes from a byte on.
func leavesAt(r io.ReaderAt, at int64) func(first uint64, leaves []merkle.Hash) error {
	return func(first uint64, leaves []merkle.Hash) error {
		b := make([]byte, len(leaves)*merkle.Size)
		if _, err := r.ReadAt(b, at+int64(first)*merkle.Size); err != nil {
			return fault.Truncated(err)
		}
		for i := range leaves {
			leaves[i] = merkle.Hash(b[i*merkle.Size:])
		}
		return nil
	}
}

// parseIndex reads the beginning of an index.
func parseIndex(r io.Reader, file string) (x Index, at int64, err error) {
	var start [len(indexMagic) + 4]byte
	if _, err := io.ReadFull(r, start[:]); err != nil {
		return x, 0, fault.In(file, fault.Truncated(err))
	}
	if string(start[:len(indexMagic)]) != indexMagic {
		return x, 0, fault.New(fault.BadForm, file, "", "no index of a data set, which begins with %s", indexMagic)
	}
	n := binary.LittleEndian.Uint32(start[len(indexMagic):])
	if n > maxIndexHead {
		return x, 0, fault.New(fault.TooLarge, file, "header", "%d bytes, the limit is %d", n, maxIndexHead)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return x, 0, fault.In(file, fault.Truncated(err))
	}
	if x, err = document.Decode[Index](file, text); err != nil {
		return x, 0, err
	}
	if err := x.Data.Layout.Check(); err != nil {
		return x, 0, fault.In(file, fault.Under("data", err))
	}
	if x.Data.Samples < 1 || x.Data.Samples > job.MaxRows || len(x.Files) < 1 || len(x.Files) > MaxFiles {
		return x, 0, fault.New(fault.OutOfRange, file, "header", "%d samples in %d files, 1 to %d in at most %d are those of a data set", x.Data.Samples, len(x.Files), uint64(job.MaxRows), MaxFiles)
	}
	return x, int64(len(start)) + int64(n), nil
}

// IndexOf is where the index of files lies if nobody says where: beside the first of them.
func IndexOf(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return filepath.Clean(split(args[0]).path) + IndexEnding
}

// Options are those that the files of an index are opened with.
func (x Index) Options() Options { return Options{Layout: &x.Data.Layout, Skip: x.Files[0].At} }

// ReadIndexHead is what an index says.
func ReadIndexHead(path string) (Index, error) {
	s, err := openSource(path)
	if err != nil {
		return Index{}, err
	}
	defer s.Close()
	x, at, err := parseIndex(io.NewSectionReader(s, 0, s.info.Size()), path)
	if err == nil {
		err = fault.In(path, ends(at+int64(x.Data.Samples)*merkle.Size, s.info.Size()))
	}
	return x, err
}

// TakeIndex reads the hashes of samples from an index, all of them once: they must lead to its root. That the files are those
// of the index, their sizes say here; their bytes, the hash of each sample that is read.
func (f *Files) TakeIndex(path string) error {
	x, err := ReadIndexHead(path)
	if err != nil {
		return err
	}
	head, err := x.encode()
	if err != nil {
		return fault.In(path, err)
	}
	if err := f.sameFiles(path, x); err != nil {
		return err
	}
	if !x.Data.Layout.Equal(&f.layout) || x.Data.Samples != f.samples {
		return fault.New(fault.WrongType, path, "", "of %d samples in another layout: the index is of another data set", x.Data.Samples)
	}
	s, err := openSource(path)
	if err != nil {
		return err
	}
	read := leavesAt(s, int64(len(head)))
	blocks, err := merkle.NewBlocks(f.samples, func(first uint64, leaves []merkle.Hash) error { return fault.In(path, read(first, leaves)) })
	if err == nil && blocks.Root() != x.Data.Root {
		err = fault.New(fault.WrongDigest, path, "", "its hashes have the root %v, and it says %v", blocks.Root(), x.Data.Root)
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	f.indexed, f.Blocks = s, blocks
	return nil
}

// sameFiles refuses an index of files of other sizes.
func (f *Files) sameFiles(path string, x Index) error {
	if len(x.Files) != len(f.sources) {
		return fault.New(fault.WrongType, path, "", "of %d files, %d are given", len(x.Files), len(f.sources))
	}
	for i, want := range f.head(merkle.Hash{}).Files {
		if got := x.Files[i]; got.Bytes != want.Bytes || got.At != want.At {
			return fault.New(fault.WrongType, f.sources[i].path, "", "%d bytes and samples from byte %d on, %s has %d and %d for file %d, %.80q",
				want.Bytes, want.At, path, got.Bytes, got.At, i, got.Name)
		}
	}
	return nil
}
