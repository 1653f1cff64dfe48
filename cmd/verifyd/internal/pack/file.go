package pack

import (
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/verifyd/verifyd/verify/fault"
)

// writeFile writes a file that must not exist, whole or not at all.
func writeFile(path string, write func(w io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fault.New(fault.Altered, path, "", "there is a file already")
	}
	out, err := os.CreateTemp(filepath.Dir(path), ".verifyd-pack-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = out.Close() // it may be closed already
			err = errors.Join(err, os.Remove(out.Name()))
		}
	}()
	buffered := bufio.NewWriterSize(out, 1<<20)
	if err := errors.Join(write(buffered), buffered.Flush(), out.Chmod(0o644), out.Sync(), out.Close()); err != nil {
		return err
	}
	return os.Rename(out.Name(), path)
}
