package valuation

import (
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
)

// What a policy says of values if nobody says otherwise. docs/paying.md has what each attack brings under it.
const (
	RecommendedEstimator = "antithetic"
	RecommendedBudget    = 64            // pairs: all coalitions of up to ten players, whose values are then exact
	RecommendedRows      = 256           // of the validation set, drawn for each round
	RecommendedMargin    = 1645          // thousandths of a standard error
	RecommendedMost      = 1_000_000_000 // of one claim: a nat, or the whole of accuracy, which no claim of a round comes near
)

// Recommended is a policy's metric of values with a weight, and everything else as it is recommended.
func Recommended(weight proofs.Uint128) policy.Value {
	return policy.Value{
		By:     &policy.Estimate{Budget: RecommendedBudget, Estimator: RecommendedEstimator, Fair: true, Rows: RecommendedRows},
		Hi:     policy.Int{Int128: proofs.Int(RecommendedMost)},
		Margin: RecommendedMargin,
		Weight: policy.Uint{Uint128: weight},
	}
}

// RecommendedPolicy pays for values alone, a pot of a million million units.
func RecommendedPolicy() *policy.Policy {
	return &policy.Policy{
		Version: policy.Version, Name: "recommended", Mode: policy.Pot, Budget: policy.Uint{Uint128: proofs.Uint(1_000_000_000_000)},
		Dust:    policy.Hash{Hash: proofs.Hash{1}},
		Metrics: policy.Metrics{Improvement: policy.Improvement{Of: policy.Loss}, Value: Recommended(proofs.Uint(1))},
	}
}
