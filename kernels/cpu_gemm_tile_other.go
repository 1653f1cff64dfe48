//go:build !amd64 && !arm64

package kernels

// tilesFor returns the tiles of a code path, nil for the reference's own loops.
func tilesFor(ISA) *tiles { return nil }
