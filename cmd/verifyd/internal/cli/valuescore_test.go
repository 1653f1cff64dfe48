package cli

import (
	"math/big"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool/score"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

func TestTwoSlotsOfAWorkerHaveAValueEach(t *testing.T) {
	list := &valuation.Claims{Validation: merkle.Hash{7}, Claims: []valuation.Listed{
		{Worker: merkle.Hash{1}, Job: merkle.Hash{2}, Slot: 0}, {Worker: merkle.Hash{1}, Job: merkle.Hash{2}, Slot: 1},
	}}
	result := &shapley.Result{StdErr: []uint64{5, 6}}
	for _, v := range []int64{-3, 4} {
		result.Values = append(result.Values, shapley.Value{Numerator: big.NewInt(v), Denominator: big.NewInt(1)})
	}
	values, err := valuesOf(&valuation.Certificate{Result: result}, list)
	if err != nil {
		t.Fatal(err)
	}
	data, err := document.Encode(values)
	if err != nil {
		t.Fatal(err)
	}
	read, err := score.ParseValues("values.json", data)
	if err != nil {
		t.Fatal(err)
	}
	for slot, want := range []string{"-3", "4"} {
		if v := read.Values[slot]; v.Slot != uint32(slot) || v.Value.String() != want || v.Worker.Hash != [32]byte{1} || v.Task.Hash != [32]byte{2} {
			t.Errorf("%+v", v)
		}
	}
}
