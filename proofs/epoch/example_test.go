package epoch_test

import (
	"fmt"
	"log"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/epoch"
)

// An epoch hands out 1,000 units. One contribution earned 600 of them; the
// rest is on the dust account, so that the leaves add up to the root's total.
func ExampleBuild() {
	e, err := epoch.Build(nil, epoch.Scope{
		Audience: proofs.Hash{1}, PoolID: proofs.Hash{2}, PolicyHash: proofs.Hash{3}, Epoch: 1,
		Emission: proofs.Uint(1000), Dust: proofs.Hash{31: 0xdd},
	}, []proofs.Contribution{{
		Audience: proofs.Hash{1}, PoolID: proofs.Hash{2}, PolicyHash: proofs.Hash{3}, Epoch: 1,
		Account: proofs.Hash{31: 0xaa}, Units: proofs.Uint(600), CumulativeUnits: proofs.Uint(600),
		Verdict: proofs.Verdict{Kind: proofs.Accepted},
	}})
	if err != nil {
		log.Fatal(err)
	}
	for _, leaf := range e.Leaves {
		fmt.Println(leaf.Account.String()[64:], leaf.CumulativeUnits)
	}
	fmt.Println("total", e.Root(1, 1_800_000_000, proofs.Hash{4}).CumulativeUnits)
	// Output:
	// aa 600
	// dd 400
	// total 1000
}
