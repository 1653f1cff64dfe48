package merkle

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
)

var pool = proofs.Hash(sha256.Sum256([]byte("pool")))

// number is the leaf of account i, its total beyond 64 bits for every third.
func number(i int) Leaf {
	var seed [8]byte
	binary.BigEndian.PutUint64(seed[:], uint64(i))
	account := proofs.Hash(sha256.Sum256(seed[:]))
	clear(account[:12])
	return Leaf{account, proofs.Uint128{Hi: uint64(i % 3), Lo: uint64(i) * 1_000_003}, sha256.Sum256(account[:])}
}

func numbers(n int) []Leaf {
	leaves := make([]Leaf, n)
	for i := range leaves {
		leaves[i] = number(i)
	}
	return leaves
}

func tree(t testing.TB, n int) *Tree {
	t.Helper()
	tree, err := New(pool, numbers(n))
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func isBadPath(err error) bool {
	var fault *proofs.Error
	return errors.As(err, &fault) && fault.Class == class.BadPath
}

func TestKeccakIsNotTheLaterSHA3(t *testing.T) {
	h := newHasher()
	var out proofs.Hash
	h.sum(&out, 0)
	// The Keccak team's answer for the empty message; Ethereum's empty code hash.
	const want = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
	if hex.EncodeToString(out[:]) != want {
		t.Errorf("got %x", out)
	}
}

func TestEveryLeafOfEverySmallTreeHasAPath(t *testing.T) {
	for n := 1; n <= 70; n++ {
		tree := tree(t, n)
		for i := range n {
			path, err := tree.Path(number(i))
			if err != nil {
				t.Fatal(err)
			}
			if err := Verify(tree.Root(), pool, number(i), path); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, n, err)
			}
		}
	}
}

func TestTheOrderOfLeavesDoesNotMatter(t *testing.T) {
	leaves := numbers(3000)
	want := tree(t, len(leaves)).Root()
	r := rand.New(rand.NewPCG(1, 2))
	r.Shuffle(len(leaves), func(i, j int) { leaves[i], leaves[j] = leaves[j], leaves[i] })
	got, err := New(pool, leaves)
	if err != nil || got.Root() != want {
		t.Errorf("root %v of shuffled leaves, want %v (%v)", got.Root(), want, err)
	}
}

// TestALargeTreeIsTheOneThatIsBuiltNodeByNode compares the tree that is built
// on every processor with the definition.
func TestALargeTreeIsTheOneThatIsBuiltNodeByNode(t *testing.T) {
	for _, n := range []int{2, 3, 1023, 1024, 1025, 4096, 5000, 20000} {
		leaves := numbers(n)
		hashes := make([]proofs.Hash, n)
		for i, l := range leaves {
			hashes[i] = l.Hash(pool)
		}
		slices.SortFunc(hashes, func(a, b proofs.Hash) int { return bytes.Compare(a[:], b[:]) })
		want := make([]proofs.Hash, 2*n-1)
		for k := range hashes {
			want[2*n-2-k] = hashes[k]
		}
		for i := n - 2; i >= 0; i-- {
			newHasher().node(&want[i], &want[2*i+1], &want[2*i+2])
		}
		if got := tree(t, n); !slices.Equal(got.nodes, want) {
			t.Errorf("%d leaves: the trees differ", n)
		}
	}
}

func TestAPathProvesItsLeafAndNoOther(t *testing.T) {
	const n = 37
	tree := tree(t, n)
	good := number(5)
	path, err := tree.Path(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(root, pool *proofs.Hash, l *Leaf, path *[]proofs.Hash){
		"another root":    func(root, _ *proofs.Hash, _ *Leaf, _ *[]proofs.Hash) { root[31] ^= 1 },
		"another pool":    func(_, pool *proofs.Hash, _ *Leaf, _ *[]proofs.Hash) { pool[0] ^= 1 },
		"another account": func(_, _ *proofs.Hash, l *Leaf, _ *[]proofs.Hash) { l.Account[31] ^= 1 },
		"another total":   func(_, _ *proofs.Hash, l *Leaf, _ *[]proofs.Hash) { l.CumulativeUnits.Hi ^= 1 },
		"another detail":  func(_, _ *proofs.Hash, l *Leaf, _ *[]proofs.Hash) { l.Detail[7] ^= 1 },
		"a changed node":  func(_, _ *proofs.Hash, _ *Leaf, path *[]proofs.Hash) { (*path)[2][0] ^= 1 },
		"truncated":       func(_, _ *proofs.Hash, _ *Leaf, path *[]proofs.Hash) { *path = (*path)[:len(*path)-1] },
		"no path":         func(_, _ *proofs.Hash, _ *Leaf, path *[]proofs.Hash) { *path = nil },
		"extended":        func(_, _ *proofs.Hash, _ *Leaf, path *[]proofs.Hash) { *path = append(*path, proofs.Hash{}) },
		"another order": func(_, _ *proofs.Hash, _ *Leaf, path *[]proofs.Hash) {
			(*path)[0], (*path)[1] = (*path)[1], (*path)[0]
		},
		"too long": func(_, _ *proofs.Hash, _ *Leaf, path *[]proofs.Hash) { *path = make([]proofs.Hash, maxPath+1) },
	} {
		root, p, l, bent := tree.Root(), pool, good, slices.Clone(path)
		f(&root, &p, &l, &bent)
		if err := Verify(root, p, l, bent); !isBadPath(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoLeavesAndEqualLeavesAreRefused(t *testing.T) {
	if _, err := New(pool, nil); err == nil {
		t.Error("a tree of nothing")
	}
	if _, err := New(pool, []Leaf{number(1), number(2), number(1)}); err == nil {
		t.Error("a tree with one leaf twice")
	}
	if _, err := tree(t, 10).Path(number(10)); err == nil {
		t.Error("a path for a leaf that is not there")
	}
}

func TestAnySetOfLeavesHasAMultiProof(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for n := 1; n <= 40; n++ {
		tree := tree(t, n)
		for range 20 {
			chosen := numbers(n)
			r.Shuffle(n, func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
			chosen = chosen[:1+r.IntN(n)]
			m, err := tree.MultiProof(chosen)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.Verify(tree.Root(), pool); err != nil {
				t.Fatalf("%d of %d leaves: %v", len(chosen), n, err)
			}
			if len(m.Leaves) != len(chosen) {
				t.Fatalf("%d leaves in the proof of %d", len(m.Leaves), len(chosen))
			}
		}
	}
}

func TestABentMultiProofIsRefused(t *testing.T) {
	tree := tree(t, 23)
	for name, f := range map[string]func(m *MultiProof){
		"a total":            func(m *MultiProof) { m.Leaves[1].CumulativeUnits.Lo++ },
		"leaves swapped":     func(m *MultiProof) { m.Leaves[0], m.Leaves[1] = m.Leaves[1], m.Leaves[0] },
		"a leaf less":        func(m *MultiProof) { m.Leaves = m.Leaves[1:] },
		"no leaves":          func(m *MultiProof) { *m = MultiProof{Path: []proofs.Hash{tree.Root()}} },
		"a node":             func(m *MultiProof) { m.Path[0][0] ^= 1 },
		"a node less":        func(m *MultiProof) { m.Path = m.Path[1:] },
		"a node more":        func(m *MultiProof) { m.Path = append(m.Path, proofs.Hash{}) },
		"a flag":             func(m *MultiProof) { m.Flags[0] = !m.Flags[0] },
		"a flag less":        func(m *MultiProof) { m.Flags = m.Flags[1:] },
		"all flags true":     func(m *MultiProof) { m.Flags = slices.Repeat([]bool{true}, len(m.Flags)) },
		"all flags false":    func(m *MultiProof) { m.Flags = make([]bool, len(m.Flags)) },
		"a node and a flag":  func(m *MultiProof) { m.Path, m.Flags = append(m.Path, proofs.Hash{}), append(m.Flags, false) },
		"a flag for nothing": func(m *MultiProof) { m.Leaves, m.Flags = append(m.Leaves, number(30)), append(m.Flags, true) },
	} {
		m, err := tree.MultiProof([]Leaf{number(3), number(9), number(17), number(18)})
		if err != nil {
			t.Fatal(err)
		}
		f(m)
		if err := m.Verify(tree.Root(), pool); !isBadPath(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	path, err := tree(f, 9).Path(number(4))
	if err != nil {
		f.Fatal(err)
	}
	var flat []byte
	for _, h := range path {
		flat = append(flat, h[:]...)
	}
	good := flat
	f.Add(flat, 0)
	f.Add(flat[32:], 1)
	f.Fuzz(func(t *testing.T, flat []byte, flags int) {
		var path []proofs.Hash
		for chunk := range slices.Chunk(flat, 32) {
			if len(chunk) == 32 {
				path = append(path, proofs.Hash(chunk))
			}
		}
		root := tree(t, 9).Root()
		if Verify(root, pool, number(4), path) == nil && !bytes.Equal(flat[:32*len(path)], good) {
			t.Fatal("two paths for one leaf")
		}
		m := MultiProof{Leaves: numbers(1 + flags&7), Path: path}
		for i := range min(64, len(path)+flags&7) {
			m.Flags = append(m.Flags, flags>>i&8 != 0)
		}
		_ = m.Verify(root, pool) // must return
	})
}

func BenchmarkNew(b *testing.B) {
	for _, log := range []int{10, 16, 20} {
		b.Run(fmt.Sprintf("2^%d", log), func(b *testing.B) {
			leaves := numbers(1 << log)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := New(pool, leaves); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(leaves))*float64(b.N)/b.Elapsed().Seconds(), "leaves/s")
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	tree := tree(b, 1<<16)
	path, err := tree.Path(number(1))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := Verify(tree.Root(), pool, number(1), path); err != nil {
			b.Fatal(err)
		}
	}
}
