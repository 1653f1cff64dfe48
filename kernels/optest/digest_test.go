package optest

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var (
	update = flag.Bool("update", false, "rewrite testdata/digests.txt from the reference")
	long   = flag.Bool("long", false, "check the digests of 10000 runs as well")
)

const digestFile = "testdata/digests.txt"

// digestRuns are the counts that digests.txt holds. The first is small enough for an emulator.
var digestRuns = []int{200, 10000}

func TestDigests(t *testing.T) {
	if *update {
		writeDigests(t)
	}
	data, err := os.ReadFile(digestFile)
	if err != nil {
		t.Fatal(err)
	}
	runs := digestRuns[:1]
	if *long {
		runs = digestRuns
	}
	want := strings.Split(string(data), "\n")
	for _, n := range runs {
		for _, b := range machines(t, 2) {
			got, err := Digests(b, n)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range got {
				if line := d.line(n); !slices.Contains(want, line) {
					t.Errorf("%s: not in %s: %s", b.Name(), digestFile, line)
				}
			}
		}
	}
}

func (d Digest) line(runs int) string { return fmt.Sprintf("%s %d %x", d.Operator, runs, d.Sum) }

func writeDigests(t *testing.T) {
	t.Helper()
	ref, err := reference()
	if err != nil {
		t.Fatal(err)
	}
	defer ref.Close()
	text := "# SHA-256 over the outputs of so many seeded runs: operator, runs, digest.\n" +
		"# Written by go test ./kernels/optest -run TestDigests -update. A change is a new version of DRN.\n"
	for _, n := range digestRuns {
		all, err := Digests(CPU(ref), n)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range all {
			text += d.line(n) + "\n"
		}
	}
	if err := os.WriteFile(digestFile, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
