//go:build !amd64

package kernels

// distanceTilesFor returns the tiles of a code path, nil for the reference's own loop.
func distanceTilesFor(ISA) *distanceTiles { return nil }
