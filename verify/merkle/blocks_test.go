package merkle

import (
	"errors"
	"slices"
	"testing"
)

// elsewhere is leaves that are read.
func elsewhere(n int) ([]Hash, func(first uint64, leaves []Hash) error) {
	all := make([]Hash, n)
	for i := range all {
		all[i] = LeafHash([]byte{byte(i), byte(i >> 8)})
	}
	return all, func(first uint64, leaves []Hash) error {
		copy(leaves, all[first:])
		return nil
	}
}

func TestATreeWhoseLeavesLieElsewhereIsTheSameTree(t *testing.T) {
	for _, n := range []int{1, 2, 1023, 1024, 1025, 3000, 4096, 5121} {
		leaves, read := elsewhere(n)
		b, err := NewBlocks(uint64(n), read)
		if err != nil {
			t.Fatal(err)
		}
		tree := NewTree(leaves)
		if b.Root() != tree.Root() {
			t.Errorf("%d leaves: another root", n)
		}
		for _, i := range []int{0, n / 2, n - 1} {
			got, err := b.AppendProof(nil, uint64(i))
			want, _ := tree.AppendProof(nil, uint64(i))
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%d leaves, leaf %d: another proof, %v", n, i, err)
			}
			if leaf, err := b.Leaf(uint64(i)); err != nil || leaf != leaves[i] {
				t.Errorf("%d leaves, leaf %d: %v, %v", n, i, leaf, err)
			}
		}
		if _, err := b.AppendProof(nil, uint64(n)); err == nil {
			t.Errorf("%d leaves: a proof of one more", n)
		}
	}
}

func TestLeavesThatCannotBeReadOrHaveChangedAreAnError(t *testing.T) {
	broken := errors.New("broken")
	if _, err := NewBlocks(5000, func(first uint64, _ []Hash) error {
		if first == 2048 {
			return broken
		}
		return nil
	}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	leaves, read := elsewhere(2000)
	b, err := NewBlocks(2000, read)
	if err != nil {
		t.Fatal(err)
	}
	leaves[7][0]++
	if _, err := b.AppendProof(nil, 9); !errors.Is(err, ErrProof) {
		t.Errorf("%v", err)
	}
}
