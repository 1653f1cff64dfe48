package registry

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/verifyd/verifyd/verify/input"
)

// disk is what the registry asks of a file system. Tests fail each call of it, and cut its power.
type disk interface {
	// write makes a file that must not exist. Its bytes are on the disk when write returns; its name may be lost.
	write(path string, data []byte) error
	// link gives a file a second name, or fails with fs.ErrExist.
	link(from, to string) error
	// sync brings the names of a folder onto the disk.
	sync(dir string) error
	remove(path string) error
	// read reads a regular file of at most limit bytes.
	read(path string, limit int64) ([]byte, error)
	// names are those of a folder's files, in any order.
	names(dir string) ([]string, error)
}

// files is the file system of this machine.
type files struct{}

func (files) write(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (files) link(from, to string) error { return os.Link(from, to) }

func (files) sync(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func (files) remove(path string) error { return os.Remove(path) }

func (files) read(path string, limit int64) ([]byte, error) {
	info, err := os.Lstat(path) // a link is no file of a registry
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s: not a file of at most %d bytes", path, limit)
	}
	f, _, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) != info.Size() {
		err = fmt.Errorf("%s: changed while it was read", path)
	}
	return data, err
}

func (files) names(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}
