package merkle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
)

// peerFolder holds a program around @openzeppelin/merkle-tree, and what its
// version 1.0.8 printed.
const peerFolder = "testdata/openzeppelin"

// A peerTree is what that program prints of a tree over numbers(size).
type peerTree struct {
	Size    int
	Seconds float64
	Root    string
	Path    []string // of the last leaf
	Multi   struct { // of leaves 1, 4, 5 and 11
		Accounts, Path []string
		Flags          []bool
	}
}

func readPeer(t testing.TB, output []byte) (trees []peerTree) {
	t.Helper()
	for line := range bytes.Lines(output) {
		var p peerTree
		if err := json.Unmarshal(line, &p); err != nil {
			t.Fatal(err)
		}
		trees = append(trees, p)
	}
	if len(trees) == 0 {
		t.Fatal("no trees")
	}
	return trees
}

func texts(hashes []proofs.Hash) []string {
	out := []string{}
	for _, h := range hashes {
		out = append(out, h.String())
	}
	return out
}

// same compares our tree of the same leaves with the peer's.
func same(t *testing.T, p peerTree) {
	t.Helper()
	tree := tree(t, p.Size)
	if got := tree.Root().String(); got != p.Root {
		t.Errorf("%d leaves: root %s, OpenZeppelin's is %s", p.Size, got, p.Root)
	}
	path, err := tree.Path(number(p.Size - 1))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(texts(path), p.Path) {
		t.Errorf("%d leaves: the paths of the last leaf differ", p.Size)
	}
	var chosen []Leaf
	for _, i := range []int{1, 4, 5, 11} {
		if i < p.Size {
			chosen = append(chosen, number(i))
		}
	}
	if len(chosen) == 0 {
		return // a multiproof of no leaf, which is ours to refuse
	}
	m, err := tree.MultiProof(chosen)
	if err != nil {
		t.Fatal(err)
	}
	var accounts []string
	for _, l := range m.Leaves {
		accounts = append(accounts, l.Account.String())
	}
	if !slices.Equal(accounts, p.Multi.Accounts) || !slices.Equal(texts(m.Path), p.Multi.Path) || !slices.Equal(m.Flags, p.Multi.Flags) {
		t.Errorf("%d leaves: the multiproofs differ", p.Size)
	}
}

func TestTreesAreTheOnesThatOpenZeppelinsVersion108Built(t *testing.T) {
	output, err := os.ReadFile(filepath.Join(peerFolder, "trees.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range readPeer(t, output) {
		same(t, p)
	}
}

// peer returns a folder where the peer can be run: its own after npm ci, or in
// CI a new one.
func peer(t testing.TB) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join(peerFolder, "node_modules")); err == nil {
		return peerFolder
	}
	if os.Getenv("VERIFYD_CI") == "" {
		t.Skipf("run npm ci in %s to compare with @openzeppelin/merkle-tree", peerFolder)
	}
	dir := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", "tree.mjs"} {
		data, err := os.ReadFile(filepath.Join(peerFolder, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	return dir
}

func runPeer(t testing.TB, sizes ...int) []peerTree {
	t.Helper()
	cmd := exec.Command("node", append([]string{"tree.mjs"}, strings.Fields(strings.Trim(fmt.Sprint(sizes), "[]"))...)...)
	cmd.Dir = peer(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node: %v", err)
	}
	return readPeer(t, out)
}

func TestTreesAreOpenZeppelins(t *testing.T) {
	for _, p := range runPeer(t, 5, 100, 1024) {
		same(t, p)
	}
}

// BenchmarkOpenZeppelin times the peer on the leaves of BenchmarkNew, by its
// own clock, and compares the roots.
func BenchmarkOpenZeppelin(b *testing.B) {
	for _, log := range []int{10, 16} {
		b.Run(fmt.Sprintf("2^%d", log), func(b *testing.B) {
			var seconds float64
			for b.Loop() {
				p := runPeer(b, 1<<log)[0]
				seconds += p.Seconds
				if root := tree(b, 1<<log).Root().String(); root != p.Root {
					b.Fatalf("root %s, ours is %s", p.Root, root)
				}
			}
			b.ReportMetric(seconds/float64(b.N), "s/tree")
		})
	}
}
