package translog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

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
func (r *Reader) hashes(c translog.Checkpoint) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, &tileReader{r: r, kept: map[tlog.Tile][]byte{}})
}

// tileReader keeps the checked tiles that are needed again by whoever reads the
// hashes of a tree in order: those above the leaves, and the partial ones.
type tileReader struct {
	r    *Reader
	kept map[tlog.Tile][]byte
}

// maxKept is how many tiles, of 8 KiB, are kept: twice what one reading needs.
const maxKept = 32

func (t *tileReader) Height() int { return tileHeight }

func (t *tileReader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	if len(t.kept) > maxKept {
		clear(t.kept)
	}
	for i, at := range tiles {
		if at.L > 0 || at.W < tileWidth {
			t.kept[at] = data[i]
		}
	}
}

func (t *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, at := range tiles {
		if data[i] = t.kept[at]; data[i] != nil {
			continue
		}
		var err error
		if data[i], err = t.r.tile(tile{at.L, at.N, at.W}); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// file reads the file of a tile whose hashes or entries have at most limit bytes
// each, and says how many it has: where the partial one is gone the full one has
// taken its place.
func (r *Reader) file(t tile, limit int64) (data []byte, width int, err error) {
	data, err = r.read(t.path(), int64(t.width)*limit)
	if errors.Is(err, fs.ErrNotExist) && t.width < tileWidth {
		t = t.full()
		data, err = r.read(t.path(), int64(t.width)*limit)
	}
	return data, t.width, err
}

// tile reads a tile of hashes.
func (r *Reader) tile(t tile) ([]byte, error) {
	data, width, err := r.file(t, tlog.HashSize)
	if err != nil {
		return nil, err
	}
	if len(data) != width*tlog.HashSize {
		return nil, fmt.Errorf("%s: %d bytes, want %d", t.path(), len(data), width*tlog.HashSize)
	}
	return data[:t.width*tlog.HashSize], nil
}

func (r *Reader) hashTile(t tile) ([]tlog.Hash, error) {
	data, err := r.tile(t)
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
func (r *Reader) bundle(t tile) ([][]byte, error) {
	data, width, err := r.file(t, 2+translog.MaxEntrySize)
	if err != nil {
		return nil, err
	}
	entries, err := parseBundle(data, width)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t.path(), err)
	}
	return entries[:t.width], nil
}

// parseBundle reads the n entries of a bundle: each behind its length in 16
// bits, big-endian, and nothing behind the last one.
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
	if len(data) > 0 {
		return nil, fmt.Errorf("%d bytes behind the last of %d entries", len(data), n)
	}
	return entries, nil
}
