package policy_test

import (
	"fmt"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
)

// A fixed pot is shared in proportion to verified work; who failed gets
// nothing, and what rounding leaves goes to the dust account.
func ExampleScore() {
	p := &policy.Policy{
		Version: policy.Version, Name: "example", Mode: policy.Pot,
		Budget: policy.Uint{Uint128: proofs.Uint(1000)},
		Dust:   policy.Hash{Hash: proofs.Hash{31: 0xdd}},
		Metrics: policy.Metrics{
			Work: policy.Metric{
				Weight: policy.Uint{Uint128: proofs.Uint(1)},
				Hi:     policy.Int{Int128: proofs.Int(1_000_000 * policy.One)}, // a petaflop
			},
			Improvement: policy.Improvement{Of: policy.Loss},
		},
	}
	accepted := proofs.Verdict{Kind: proofs.Accepted}
	rejected := proofs.Verdict{Kind: proofs.Rejected, Reason: proofs.Mismatch}
	task := proofs.Hash{1}
	sheet, err := policy.Score(p, []policy.Measurement{
		{Worker: proofs.Hash{1}, Task: task, Verdict: accepted, Work: proofs.Uint(200 * policy.One)},
		{Worker: proofs.Hash{2}, Task: task, Verdict: rejected, Work: proofs.Uint(900 * policy.One)},
		{Worker: proofs.Hash{3}, Task: task, Verdict: accepted, Work: proofs.Uint(100 * policy.One)},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, a := range sheet.Awards {
		fmt.Println(a.Worker[0], a.Verdict, a.Units)
	}
	fmt.Println("dust", sheet.Dust, "of", sheet.Total)
	// Output:
	// 1 accepted 666
	// 2 rejected/mismatch 0
	// 3 accepted 333
	// dust 1 of 1000
}
