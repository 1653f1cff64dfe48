package evm_test

import (
	"fmt"

	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/ledgers/evm"
)

// A pool's root and a worker's bundle become the inputs of three transactions.
func Example() {
	pool, err := scenario.New()
	if err != nil {
		fmt.Println(err)
		return
	}
	root, err := pool.Sign(pool.Epoch.Root(1, scenario.Now+3600, scenario.ID("checkpoint")), 0, 1, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	post, err := evm.PostRoot(root, pool.Set)
	if err != nil {
		fmt.Println(err)
		return
	}
	worker, err := pool.Bundle(0)
	if err != nil {
		fmt.Println(err)
		return
	}
	claim, err := evm.ClaimBundle(worker)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("post %x, %d bytes\n", post[:4], len(post))
	fmt.Printf("finalize %x\n", evm.Finalize())
	fmt.Printf("claim %x, %d bytes\n", claim[:4], len(claim))
	// Output:
	// post f8bf681b, 740 bytes
	// finalize 4bb278f3
	// claim 15a05d8d, 228 bytes
}
