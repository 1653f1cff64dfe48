package input

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/verifyd/verifyd/verify/fault"
)

// Open opens a regular file to read, or one that was handed down (Path). The error of another kind of file is of class
// [fault.NotRegular].
func Open(path string) (*os.File, fs.FileInfo, error) {
	at := Path(path)
	named, err := os.Stat(at)
	if err != nil {
		// One error for one cause: what cannot be found cannot be opened.
		var in *fs.PathError
		if errors.As(err, &in) {
			in.Op, in.Path = "open", path
		}
		return nil, nil, err
	}
	if err := regular(path, named); err != nil {
		return nil, nil, err // before opening it has a side effect, as with a tape
	}
	// What the name leads to may have changed: with O_NONBLOCK a pipe does not block, and is seen.
	f, err := os.OpenFile(at, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = regular(path, info)
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

func regular(path string, info fs.FileInfo) error {
	what := "a device"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		what = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		what = "a pipe"
	case mode&fs.ModeSocket != 0:
		what = "a socket"
	}
	return fault.New(fault.NotRegular, path, "", "%s, want a regular file", what)
}

// All reads a file that is open, of at most limit bytes, to its end.
func All(f io.Reader, path string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fault.New(fault.TooLarge, path, "", "over the limit of %d bytes", limit)
	}
	return data, nil
}

// OpenFolder opens a folder, to open what lies in it. With a separator behind its name a pipe in its place is no folder,
// where [os.OpenRoot] would wait for who writes to it.
func OpenFolder(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(filepath.Clean(dir) + string(filepath.Separator))
	var in *fs.PathError
	if errors.As(err, &in) {
		in.Path = dir
	}
	return root, err
}

// ReadFile reads a regular file of at most limit bytes whole.
func ReadFile(path string, limit int64) ([]byte, error) {
	f, _, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return All(f, path, limit)
}
