package policy

import (
	"testing"

	"github.com/verifyd/verifyd/proofs"
)

func TestAForecastAddsUp(t *testing.T) {
	p := priced() // 7 units for 2 points, a million at most
	few, many := proofs.Uint(1000), proofs.Uint(1<<40)
	for _, c := range []struct {
		supply uint64
		points *proofs.Uint128
		want   []Forecast
	}{
		{10_000_000, nil, []Forecast{
			{1, uint(1_000_000), uint(11_000_000), uint(100_000), uint(909_090)},
			{2, uint(1_000_000), uint(12_000_000), uint(90_910), uint(833_333)},
		}},
		{10_000_000, &many, []Forecast{
			{1, uint(1_000_000), uint(11_000_000), uint(100_000), uint(909_090)},
		}},
		{10_000_000, &few, []Forecast{
			{1, uint(3_500), uint(10_003_500), uint(350), uint(999_650)},
		}},
		{0, &few, []Forecast{{1, uint(3_500), uint(3_500), uint(0), uint(0)}}},
		{5, new(proofs.Uint128), []Forecast{{1, uint(0), uint(5), uint(0), uint(1_000_000)}}},
	} {
		got, err := p.Dilute(proofs.Uint(c.supply), c.points, len(c.want))
		if err != nil {
			t.Fatal(err)
		}
		for i, f := range got {
			if f != c.want[i] {
				t.Errorf("supply %d: %+v, want %+v", c.supply, f, c.want[i])
			}
		}
	}
}

func TestAForecastOutOfBoundsIsRefused(t *testing.T) {
	p := pot()
	if _, err := p.Dilute(proofs.Uint(1), nil, 0); err == nil {
		t.Error("of no epoch")
	}
	if _, err := p.Dilute(proofs.Uint(1), nil, MaxEpochs+1); err == nil {
		t.Error("of too many epochs")
	}
	if _, err := p.Dilute(proofs.Uint128{Hi: 1<<64 - 1, Lo: 1<<64 - 1}, nil, 1); err == nil {
		t.Error("past 128 bits")
	}
	p.Budget = Uint{proofs.Uint128{Hi: 1<<64 - 1}}
	if _, err := p.Dilute(proofs.Uint(1), nil, 1); err == nil {
		t.Error("of a growth past 128 bits")
	}
}
