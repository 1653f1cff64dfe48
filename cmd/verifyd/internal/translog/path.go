package translog

import (
	"fmt"
	"strconv"
	"strings"
)

// Shape of the tree on disk, by c2sp.org/tlog-tiles.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	maxLevel   = 63
)

// checkpointName is the checkpoint's place among the tiles.
const checkpointName = "checkpoint"

// levelEntries is the level of an entry bundle, which holds entries where a
// tile holds hashes.
const levelEntries = -1

// A tile names one file of the tree: width entries, or hashes of one level,
// from index*256 on. A full one has width 256.
type tile struct {
	level int
	index int64
	width int
}

// Path is the tile's place below the folder of tiles and below a log's URL.
func (t tile) path() string {
	var b strings.Builder
	b.WriteString("tile/")
	if t.level == levelEntries {
		b.WriteString("entries")
	} else {
		b.WriteString(strconv.Itoa(t.level))
	}
	digits := strconv.FormatInt(t.index, 10)
	digits = strings.Repeat("0", (3-len(digits)%3)%3) + digits
	for len(digits) > 3 {
		b.WriteString("/x" + digits[:3])
		digits = digits[3:]
	}
	b.WriteString("/" + digits)
	if t.width < tileWidth {
		b.WriteString(".p/" + strconv.Itoa(t.width))
	}
	return b.String()
}

// full is the tile that takes the place of a partial one once it is filled.
func (t tile) full() tile { return tile{t.level, t.index, tileWidth} }

// end is the size of the smallest tree that holds the tile, or false if no
// tree of the permitted sizes does.
func (t tile) end() (int64, bool) {
	shift := tileHeight * max(t.level, 0)
	if shift >= 56 {
		return 0, false
	}
	last := t.index*tileWidth + int64(t.width) // index is below 2^48, see parsePath
	if last > 1<<56>>shift {
		return 0, false
	}
	return last << shift, true
}

// parsePath reads what path writes, and nothing else.
func parsePath(s string) (tile, error) {
	refuse := func() (tile, error) { return tile{}, fmt.Errorf("%.80q is not the path of a tile", s) }
	rest, ok := strings.CutPrefix(s, "tile/")
	level, rest, ok2 := strings.Cut(rest, "/")
	if !ok || !ok2 || len(s) > 80 {
		return refuse()
	}
	t := tile{level: levelEntries, width: tileWidth}
	if level != "entries" {
		n, err := strconv.Atoi(level)
		if err != nil || n < 0 || n > maxLevel {
			return refuse()
		}
		t.level = n
	}
	digits, width, partial := strings.Cut(rest, ".p/")
	if partial {
		n, err := strconv.Atoi(width)
		if err != nil || n < 1 || n >= tileWidth {
			return refuse()
		}
		t.width = n
	}
	index, err := strconv.ParseInt(strings.ReplaceAll(strings.ReplaceAll(digits, "/", ""), "x", ""), 10, 64)
	if err != nil || index < 0 || index >= 1<<48 {
		return refuse()
	}
	t.index = index
	if t.path() != s {
		return refuse()
	}
	return t, nil
}
