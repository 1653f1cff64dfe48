//go:build !amd64

package kernels

// otherDistanceTiles are tiles of this processor that no code path takes here.
func otherDistanceTiles() map[string]*distanceTiles { return nil }
