package merkle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"
)

// The inputs and roots of the reference tree of the Certificate Transparency project
// (google/certificate-transparency, merkletree tests), one root for each prefix of the inputs.
var (
	ctInputs = []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	ctRoots  = []string{
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
)

func ctLeaves(t *testing.T, n int) []Hash {
	t.Helper()
	var leaves []Hash
	for _, in := range ctInputs[:n] {
		data, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, LeafHash(data))
	}
	return leaves
}

func TestRootsEqualTheCertificateTransparencyVectors(t *testing.T) {
	for i, want := range ctRoots {
		leaves := ctLeaves(t, i+1)
		if got := Root(leaves).String(); got != want {
			t.Errorf("%d leaves: root %s, want %s", i+1, got, want)
		}
		if got := NewTree(leaves).Root().String(); got != want {
			t.Errorf("%d leaves: tree root %s, want %s", i+1, got, want)
		}
	}
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if got := Root(nil).String(); got != empty {
		t.Errorf("empty root %s", got)
	}
}

func numbered(n int) []Hash {
	leaves := make([]Hash, n)
	for i := range leaves {
		leaves[i] = LeafHash([]byte{byte(i), byte(i >> 8)})
	}
	return leaves
}

func TestEveryLeafOfEverySizeHasAProofAndOnlyThatOne(t *testing.T) {
	for n := 1; n <= 70; n++ {
		leaves := numbered(n)
		tree := NewTree(leaves)
		root := Root(leaves)
		longest := 0
		for i := range leaves {
			proof, err := tree.AppendProof(nil, uint64(i))
			if err != nil {
				t.Fatal(err)
			}
			longest = max(longest, len(proof))
			if err := Verify(root, uint64(n), uint64(i), leaves[i], proof); err != nil {
				t.Fatalf("leaf %d of %d: %v", i, n, err)
			}
			if err := Verify(root, uint64(n), uint64(i), LeafHash([]byte("other")), proof); !errors.Is(err, ErrProof) {
				t.Fatalf("leaf %d of %d: another leaf: %v", i, n, err)
			}
			if i > 0 && Verify(root, uint64(n), uint64(i-1), leaves[i], proof) == nil {
				t.Fatalf("leaf %d of %d passes as leaf %d", i, n, i-1)
			}
			if err := Verify(root, uint64(n), uint64(i), leaves[i], append(proof, root)); err == nil {
				t.Fatalf("leaf %d of %d: a longer proof passes", i, n)
			}
		}
		if longest != MaxProof(uint64(n)) {
			t.Errorf("%d leaves: longest proof %d, MaxProof %d", n, longest, MaxProof(uint64(n)))
		}
	}
}

func TestALeafOutsideTheTreeIsRefused(t *testing.T) {
	tree := NewTree(numbered(3))
	if _, err := tree.AppendProof(nil, 3); err == nil {
		t.Error("proof of leaf 3 of 3")
	}
	if err := Verify(tree.Root(), 3, 3, Hash{}, nil); err == nil {
		t.Error("leaf 3 of 3 verified")
	}
	if err := Verify(Empty(), 0, 0, Hash{}, nil); err == nil {
		t.Error("leaf of an empty tree verified")
	}
}

func TestBuildingAllocatesNothing(t *testing.T) {
	leaf := make([]byte, shortLeaf)
	var b Builder
	if n := testing.AllocsPerRun(100, func() {
		b.Reset()
		for range 37 {
			b.Append(LeafHash(leaf))
		}
		b.Root()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestLeavesOfEveryLengthAreHashedWithTheLeafPrefix(t *testing.T) {
	for n := 0; n <= 2*shortLeaf; n++ {
		prefixed := make([]byte, n+1)
		for i := range n {
			prefixed[i+1] = byte(i)
		}
		if got := LeafHash(prefixed[1:]); got != sha256.Sum256(prefixed) {
			t.Fatalf("%d bytes: %s", n, got)
		}
	}
}

func TestHashTextIsStrict(t *testing.T) {
	h := LeafHash([]byte("x"))
	if got, err := ParseHash(h.String()); err != nil || got != h {
		t.Fatalf("round trip: %v %v", got, err)
	}
	upper := []byte(h.String())
	upper[0] = 'A'
	for _, bad := range []string{"", "00", h.String() + "0", string(upper), h.String()[:63] + "g"} {
		if _, err := ParseHash(bad); err == nil {
			t.Errorf("%q parsed", bad)
		}
	}
}

func FuzzVerify(f *testing.F) {
	tree := NewTree(numbered(11))
	proof, _ := tree.AppendProof(nil, 4)
	var flat []byte
	for _, h := range proof {
		flat = append(flat, h[:]...)
	}
	f.Add(uint64(11), uint64(4), flat)
	f.Add(^uint64(0), uint64(0), []byte{})
	root, leaf := tree.Root(), tree.Leaf(4)
	f.Fuzz(func(t *testing.T, size, i uint64, flat []byte) {
		var p []Hash
		for ; len(flat) >= Size; flat = flat[Size:] {
			p = append(p, Hash(flat))
		}
		if Verify(root, size, i, leaf, p) == nil && (i != 4 || len(p) != len(proof)) {
			t.Fatalf("forged proof: leaf %d of %d", i, size)
		}
	})
}
