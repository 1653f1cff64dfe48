package translog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/verifyd/verifyd/proofs/translog"
)

// tileAt is the tile of a level and index as a tree of a size has it: full, or
// partial at its right edge.
func tileAt(level int, index, size int64) tile {
	width := size>>(tileHeight*max(level, 0)) - index*tileWidth
	return tile{level, index, int(min(width, tileWidth))}
}

// hashes reads the tree's hashes for x/mod, which checks each tile against the
// checkpoint before it uses it.
func (f *Folder) hashes(c translog.Checkpoint) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileReader{f})
}

type tileReader struct{ f *Folder }

func (r tileReader) Height() int                     { return tileHeight }
func (r tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
func (r tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		var err error
		if data[i], err = r.f.tile(tile{t.L, t.N, t.W}); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// tile reads a tile of hashes. Where the partial one is gone the full one has
// taken its place.
func (f *Folder) tile(t tile) ([]byte, error) {
	data, err := f.read(t.path(), tileWidth*tlog.HashSize)
	if errors.Is(err, fs.ErrNotExist) && t.width < tileWidth {
		data, err = f.read(t.full().path(), tileWidth*tlog.HashSize)
	}
	if err != nil {
		return nil, err
	}
	if len(data) < t.width*tlog.HashSize {
		return nil, fmt.Errorf("%s: %d bytes, want %d", t.path(), len(data), t.width*tlog.HashSize)
	}
	return data[:t.width*tlog.HashSize], nil
}

func (f *Folder) hashTile(t tile) ([]tlog.Hash, error) {
	data, err := f.tile(t)
	if err != nil {
		return nil, err
	}
	hashes := make([]tlog.Hash, t.width)
	for i := range hashes {
		hashes[i] = tlog.Hash(data[i*tlog.HashSize:])
	}
	return hashes, nil
}

// bundle reads the entries of a tile.
func (f *Folder) bundle(t tile) ([][]byte, error) {
	const limit = tileWidth * (2 + translog.MaxEntrySize)
	data, err := f.read(t.path(), limit)
	if errors.Is(err, fs.ErrNotExist) && t.width < tileWidth {
		data, err = f.read(t.full().path(), limit)
	}
	if err != nil {
		return nil, err
	}
	entries, err := parseBundle(data, t.width)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.path(), err)
	}
	return entries, nil
}

// parseBundle reads the first n entries of a bundle: each behind its length in
// 16 bits, big-endian.
func parseBundle(data []byte, n int) ([][]byte, error) {
	entries := make([][]byte, 0, n)
	for len(entries) < n {
		if len(data) < 2 {
			return nil, fmt.Errorf("entry %d of %d is missing", len(entries), n)
		}
		size := int(binary.BigEndian.Uint16(data))
		if len(data)-2 < size {
			return nil, fmt.Errorf("entry %d: %d bytes, only %d there", len(entries), size, len(data)-2)
		}
		entries = append(entries, data[2:2+size])
		data = data[2+size:]
	}
	return entries, nil
}

// open opens a file of the tree. A pipe in its place does not block.
func (f *Folder) open(path string) (*os.File, error) {
	return f.tiles.OpenFile(filepath.FromSlash(path), os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

// read reads a file of the tree that is at most limit bytes.
func (f *Folder) read(path string, limit int64) ([]byte, error) {
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
