package merkle_test

import (
	"fmt"
	"log"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/merkle"
)

// leaves of a hundred accounts in a pool.
func leaves() []merkle.Leaf {
	all := make([]merkle.Leaf, 100)
	for i := range all {
		all[i] = merkle.Leaf{Account: proofs.Hash{31: byte(i)}, CumulativeUnits: proofs.Uint(uint64(10 * i))}
	}
	return all
}

func ExampleTree_Path() {
	pool := proofs.Hash{1}
	tree, err := merkle.New(pool, leaves())
	if err != nil {
		log.Fatal(err)
	}
	leaf := leaves()[42]
	path, err := tree.Path(leaf)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(path), "nodes,", merkle.Verify(tree.Root(), pool, leaf, path))
	leaf.CumulativeUnits = proofs.Uint(1_000_000)
	fmt.Println(merkle.Verify(tree.Root(), pool, leaf, path) != nil)
	// Output:
	// 7 nodes, <nil>
	// true
}

func ExampleTree_MultiProof() {
	pool := proofs.Hash{1}
	tree, err := merkle.New(pool, leaves())
	if err != nil {
		log.Fatal(err)
	}
	proof, err := tree.MultiProof(leaves()[:50])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(proof.Leaves), "leaves,", len(proof.Path) < 50*7, proof.Verify(tree.Root(), pool))
	// Output: 50 leaves, true <nil>
}
