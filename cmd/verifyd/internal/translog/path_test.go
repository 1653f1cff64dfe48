package translog

import (
	"testing"

	"github.com/transparency-dev/tessera/api/layout"
)

func TestPathsAreThoseOfTheSpecification(t *testing.T) {
	for _, tt := range []struct {
		tile tile
		want string
		end  int64
	}{
		{tile{0, 0, 256}, "tile/0/000", 256},
		{tile{0, 1234067, 256}, "tile/0/x001/x234/067", 1234068 * 256},
		{tile{0, 273, 112}, "tile/0/273.p/112", 70000},
		{tile{1, 1, 17}, "tile/1/001.p/17", 273 * 256},
		{tile{2, 0, 1}, "tile/2/000.p/1", 65536},
		{tile{levelEntries, 999, 1}, "tile/entries/999.p/1", 999*256 + 1},
		{tile{levelEntries, 1000, 256}, "tile/entries/x001/000", 1001 * 256},
	} {
		if got := tt.tile.path(); got != tt.want {
			t.Errorf("%+v: %s, want %s", tt.tile, got, tt.want)
		}
		if got, err := parsePath(tt.want); err != nil || got != tt.tile {
			t.Errorf("%s: %+v, %v", tt.want, got, err)
		}
		if end, ok := tt.tile.end(); !ok || end != tt.end {
			t.Errorf("%s ends at %d, want %d", tt.want, end, tt.end)
		}
		other := layout.EntriesPath(uint64(tt.tile.index), uint8(tt.tile.width))
		if tt.tile.level >= 0 {
			other = layout.TilePath(uint64(tt.tile.level), uint64(tt.tile.index), uint8(tt.tile.width))
		}
		if other != tt.want {
			t.Errorf("Tessera writes %s to %s", tt.want, other)
		}
	}
}

func TestNoOtherPathIsATile(t *testing.T) {
	for _, s := range []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/00/000", "tile/64/000", "tile/-1/000",
		"tile/+0/000", "tile/0/x000/000", "tile/0/x001/234/", "tile/0//000", "tile/0/001/234", "tile/0/x001/x234",
		"tile/0/000.p", "tile/0/000.p/", "tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/1/", "tile/0/000.p/1.p/1",
		"tile/entry/000", "tile/entries/000/", "TILE/0/000", "/tile/0/000", "tile/0/../0/000", "tile/0/..", "../checkpoint",
		"tile/0/.state", ".state/treeState", "tile/0/000\x00", "tile/0/0x0", "tile/0/ 00",
		"tile/0/x999/x999/x999/x999/x999/x999/x999/999", "tile/0/x281/x474/x976/x710/656",
	} {
		if got, err := parsePath(s); err == nil {
			t.Errorf("%q is %+v", s, got)
		}
	}
}
