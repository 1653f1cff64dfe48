package enginetest

import (
	_ "embed" // testdata/digests.txt
	"fmt"
	"strings"

	"github.com/verifyd/verifyd/verify/merkle"
)

//go:embed testdata/digests.txt
var digests string

// checkpoints are the numbers of steps whose digests are kept.
var checkpoints = []uint64{1, 2, 3, 5, 10, 25, 50, 100, 200, 300}

// Known is the digest of a training after so many steps on the CPU, if it is kept.
func Known(name string, steps uint64) (digest string, ok bool) {
	_, after, ok := strings.Cut(digests, "\n"+line(name, steps))
	if !ok {
		return "", false
	}
	digest, _, ok = strings.Cut(after, "\n")
	return digest, ok && len(digest) == 2*len(merkle.Hash{})
}

// line is the beginning of a line of testdata/digests.txt.
func line(name string, steps uint64) string { return fmt.Sprintf("%s %d ", name, steps) }
