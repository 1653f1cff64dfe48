package shim

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
)

// built is the program of all kernels, once it is compiled.
var (
	built  *Program
	shared = sync.OnceValues(func() (p *Program, err error) {
		source, err := Folder()
		if err != nil {
			return nil, err
		}
		built, err = Compile(context.Background(), source)
		return built, err
	})
)

// Shared is the program of the repository's kernels, which the first call of a process compiles.
func Shared() (*Program, error) { return shared() }

// Discard removes what Shared compiled, if it did; nothing can be started afterwards.
func Discard() error {
	if built == nil {
		return nil
	}
	return built.Remove()
}

// Folder is the folder kernels of the repository in which the process runs.
func Folder() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		folder := filepath.Join(dir, "kernels")
		if _, err := os.Stat(filepath.Join(folder, "_shim", "host.cpp")); err == nil {
			return folder, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("shim: the kernels' sources are not here: run this in a checkout of the repository")
		}
		dir = filepath.Dir(dir)
	}
}
