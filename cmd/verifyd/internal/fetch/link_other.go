//go:build !unix

package fetch

// noFollow has no meaning here.
const noFollow = 0
