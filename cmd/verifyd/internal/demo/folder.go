package demo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// marker is the file that says that a folder is the demonstration's own and
// may be replaced.
const marker = "made-by-verifyd-demo"

// ErrNotOurs means that the folder holds something that the demonstration did
// not make.
var ErrNotOurs = errors.New("the folder exists and is not one that verifyd demo made")

// makeFolder makes dir anew. What is there is removed if an earlier
// demonstration made it, and left alone otherwise.
func makeFolder(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0:
	case err != nil:
		return err
	default:
		if _, err := os.Lstat(filepath.Join(dir, marker)); err != nil {
			return fmt.Errorf("%s: %w", dir, ErrNotOurs)
		}
		for _, e := range entries {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, marker), []byte("verifyd demo replaces this folder when it runs again\n"), 0o644)
}
