package cli

import (
	"math/big"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/verifytest"
)

func TestTwoSlotsOfAWorkerHaveAValueEach(t *testing.T) {
	list := &valuation.Claims{Validation: merkle.Hash{7}, Claims: []valuation.Listed{
		{Worker: merkle.Hash{1}, Job: merkle.Hash{2}, Slot: 0}, {Worker: merkle.Hash{1}, Job: merkle.Hash{2}, Slot: 1},
	}}
	result := &shapley.Result{StdErr: []uint64{5, 6}}
	for _, v := range []int64{-3, 4} {
		result.Values = append(result.Values, shapley.Value{Numerator: big.NewInt(v), Denominator: big.NewInt(1)})
	}
	certificate := &valuation.Certificate{Run: valuation.Run{Claimed: &valuation.Claimed{Digest: merkle.Hash{8}}}, Result: result}
	values, err := valuesOf(certificate, list, new(policy.Policy))
	if err != nil {
		t.Fatal(err)
	}
	key, err := verifytest.NewKey(3)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := values.Sign(key); err != nil {
		t.Fatal(err)
	}
	if digest, err := certificate.Digest(); err != nil || merkle.Hash(values.Certificate.Hash) != digest || values.List.Hash != [32]byte{8} {
		t.Errorf("list %s, certificate %s, want %s: %v", values.List, values.Certificate, digest, err)
	}
	for slot, want := range []string{"-3", "4"} {
		if v := values.Values[slot]; v.Slot != uint32(slot) || v.Value.String() != want || v.Worker.Hash != [32]byte{1} || v.Task.Hash != [32]byte{2} {
			t.Errorf("%+v", v)
		}
	}
}

func TestValuesWithoutIntervalsAreNotPaidUnderAMargin(t *testing.T) {
	certificate := &valuation.Certificate{
		Run:    valuation.Run{Claimed: &valuation.Claimed{Digest: merkle.Hash{8}}},
		Result: &shapley.Result{Estimator: "kernel", Interval: shapley.IntervalNone},
	}
	rules := new(policy.Policy)
	if _, err := valuesOf(certificate, &valuation.Claims{}, rules); err != nil {
		t.Errorf("without a margin: %v", err)
	}
	rules.Metrics.Value.Margin = 2000
	if _, err := valuesOf(certificate, &valuation.Claims{}, rules); err == nil {
		t.Error("values that say nothing of their errors are paid in full under a margin")
	}
}
