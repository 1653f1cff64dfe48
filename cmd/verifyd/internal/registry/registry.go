package registry

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/verify/merkle"
)

// Version is what the file "registry" of a folder says.
const Version = "verifyd-registry/1"

// Names in a registry's folder.
const (
	markFile      = "registry"
	registrations = "registrations"
	assignments   = "assignments"
	receipts      = "receipts"
	openings      = "openings"
	judgedFolder  = "judged"
	unfinished    = "new"
)

// folders are those that hold records, each with how its files are checked.
var folders = []struct {
	name  string
	check func(r *Registry, name merkle.Hash, data []byte, report *Report) error
}{
	{registrations, (*Registry).checkRegistration},
	{assignments, (*Registry).checkAssignment},
	{receipts, (*Registry).checkReceipt},
	{openings, (*Registry).checkOpening},
	{judgedFolder, (*Registry).checkJudged},
	{lists, (*Registry).checkListed},
}

// Limits in bytes.
const (
	MaxDocument = 256 << 10 // of what is signed
	maxRecord   = 512 << 10 // of a file
)

// ErrNone says that a folder is no registry.
var ErrNone = errors.New("not a registry's folder")

// Registry is open for any number of goroutines, beside any number of processes.
type Registry struct {
	dir  string
	disk disk
}

// Init makes an empty registry in a folder that does not exist or is empty. A folder that a crash left half made can
// be given again.
func Init(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	found, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, f := range found {
		if !ours(f.Name()) {
			return fmt.Errorf("%s: %w: it holds %s", dir, fs.ErrExist, f.Name())
		}
		if f.Name() == markFile {
			return fmt.Errorf("%s: %w: it is a registry", dir, fs.ErrExist)
		}
	}
	names := []string{unfinished}
	for _, f := range folders {
		names = append(names, f.name)
	}
	for _, name := range names {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	d := files{}
	if err := errors.Join(d.sync(dir), d.sync(filepath.Dir(filepath.Clean(dir)))); err != nil {
		return err
	}
	// The mark comes last: what has it is whole.
	r := &Registry{dir, d}
	return r.place(filepath.Join(dir, markFile), []byte(Version+"\n"))
}

// ours says whether Init makes something of this name.
func ours(name string) bool {
	for _, f := range folders {
		if name == f.name {
			return true
		}
	}
	return name == markFile || name == unfinished
}

// Is says whether a folder is a registry.
func Is(dir string) bool {
	_, err := Open(dir)
	return err == nil
}

// Open opens a registry. There is nothing to close.
func Open(dir string) (*Registry, error) { return open(dir, files{}) }

func open(dir string, d disk) (*Registry, error) {
	mark, err := d.read(filepath.Join(dir, markFile), int64(len(Version)+1))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s: %w: %s is missing", dir, ErrNone, markFile)
	case err != nil:
		return nil, err
	case string(mark) != Version+"\n":
		return nil, fmt.Errorf("%s: %w: its %s does not say %s", dir, ErrNone, markFile, Version)
	}
	return &Registry{dir, d}, nil
}

// keep keeps data under a name, once and for all, and returns what is kept there: data, or what was there before. What
// it returns is on the disk for good.
func (r *Registry) keep(folder string, name merkle.Hash, data []byte) (kept []byte, err error) {
	path := filepath.Join(r.dir, folder, name.String())
	if len(data) > maxRecord {
		return nil, fmt.Errorf("%s: %d bytes, the limit is %d", path, len(data), maxRecord)
	}
	err = r.place(path, data)
	if errors.Is(err, fs.ErrExist) {
		return r.find(folder, name)
	}
	return data, err
}

// find returns what is kept under a name; fs.ErrNotExist if nothing is. What it returns is on the disk for good, which
// another process that is about to place it may not have seen to yet.
func (r *Registry) find(folder string, name merkle.Hash) ([]byte, error) {
	dir := filepath.Join(r.dir, folder)
	data, err := r.disk.read(filepath.Join(dir, name.String()), maxRecord)
	if err != nil {
		return nil, err
	}
	return data, r.disk.sync(dir)
}

// place makes a file at path, whole and for good, unless something is there: then it is fs.ErrExist.
func (r *Registry) place(path string, data []byte) error {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails
	draft := filepath.Join(r.dir, unfinished, hex.EncodeToString(random[:]))
	if err := r.disk.write(draft, data); err != nil {
		return errors.Join(err, r.discard(draft))
	}
	if err := r.disk.link(draft, path); err != nil {
		return errors.Join(err, r.discard(draft))
	}
	return errors.Join(r.disk.sync(filepath.Dir(path)), r.discard(draft))
}

func (r *Registry) discard(draft string) error {
	if err := r.disk.remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
