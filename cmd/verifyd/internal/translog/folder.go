package translog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify/input"
)

// Names in a log's folder.
const (
	KeyFile       = "log.pub" // of the log's key
	lockFile      = "lock"
	journalFolder = "journal"
	tilesFolder   = "tiles"
)

// maxKeyFile bounds a key file in bytes.
const maxKeyFile = 4 << 10

// Errors that callers tell apart.
var (
	ErrNoLog        = errors.New("not a log's folder")
	ErrNoCheckpoint = errors.New("the log has published no checkpoint yet")
	ErrNoEntry      = errors.New("not under the log's published checkpoint")
)

// A Folder reads a log on disk while it is written or not. It changes nothing
// and can be used by several goroutines at once.
type Folder struct {
	*Reader
	dir   string
	tiles *os.Root // nothing outside it is ever read
}

// OpenFolder opens a log for reading.
func OpenFolder(dir string) (*Folder, error) {
	key, err := FolderKey(dir)
	if err != nil {
		return nil, err
	}
	reader, err := newReader(dir, key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, KeyFile), err)
	}
	tiles, err := input.OpenFolder(filepath.Join(dir, tilesFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dir, ErrNoCheckpoint)
	}
	if err != nil {
		return nil, err
	}
	f := &Folder{Reader: reader, dir: dir, tiles: tiles}
	reader.read = f.readFile
	return f, nil
}

// FolderKey reads the key of the log in a folder.
func FolderKey(dir string) (string, error) {
	key, err := ReadKey(filepath.Join(dir, KeyFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %w: %s is missing", dir, ErrNoLog, KeyFile)
	}
	return key, err
}

// FolderOrigin reads the name of the log in a folder.
func FolderOrigin(dir string) (string, error) {
	key, err := FolderKey(dir)
	if err != nil {
		return "", err
	}
	return translog.Origin(key)
}

// ReadKey reads the file of a log's key: its vkey on one line.
func ReadKey(path string) (string, error) {
	f, _, err := input.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return "", err
	}
	key, ok := strings.CutSuffix(string(data), "\n")
	if !ok || len(data) > maxKeyFile || strings.Contains(key, "\n") {
		return "", fmt.Errorf("%s: want one line of at most %d bytes", path, maxKeyFile)
	}
	return key, nil
}

// Close ends the use of the folder.
func (f *Folder) Close() error { return f.tiles.Close() }

// open opens a file of the tree. A pipe in its place does not block.
func (f *Folder) open(path string) (*os.File, error) {
	return f.tiles.OpenFile(filepath.FromSlash(path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// readFile reads a file of the tree that is at most limit bytes.
func (f *Folder) readFile(path string, limit int64) ([]byte, error) {
	file, err := f.open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, fmt.Errorf("%s: not a file of at most %d bytes", path, limit)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(file, data); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return data, nil
}
