package detect_test

import (
	"cmp"
	"math/big"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley/detect"
)

func TestAUROCIsTheShareOfPairsInOrder(t *testing.T) {
	for seed := range uint32(200) {
		n := 2 + int(seed%13)
		values, flagged := make([]int, n), make([]bool, n)
		for i := range values {
			w := kernels.Philox4x32([4]uint32{uint32(i)}, [2]uint32{seed})
			values[i], flagged[i] = int(w[0]%6), w[1]%3 == 0
		}
		flagged[0], flagged[1] = true, false
		halves, pairs := int64(0), int64(0)
		for i, bad := range flagged {
			for j, other := range flagged {
				if bad && !other {
					pairs += 2
					halves += int64(1 - cmp.Compare(values[i], values[j]))
				}
			}
		}
		got, err := detect.AUROC(values, flagged, cmp.Compare)
		if err != nil {
			t.Fatal(err)
		}
		if want := big.NewRat(halves, pairs); got.Cmp(want) != 0 {
			t.Errorf("%v %v: %v, want %v", values, flagged, got, want)
		}
	}
}

func TestPerfectValuesScoreOneAndReversedOnesZero(t *testing.T) {
	values := []*big.Int{big.NewInt(-5), big.NewInt(3), big.NewInt(4), big.NewInt(-2)}
	flagged := []bool{true, false, false, true}
	reversed := []bool{false, true, true, false}
	for _, c := range []struct {
		flagged []bool
		want    int64
	}{{flagged, 1}, {reversed, 0}} {
		area, err := detect.AUROC(values, c.flagged, (*big.Int).Cmp)
		if err != nil {
			t.Fatal(err)
		}
		score, err := detect.F1(values, c.flagged, 2, (*big.Int).Cmp)
		if err != nil {
			t.Fatal(err)
		}
		if want := big.NewRat(c.want, 1); area.Cmp(want) != 0 || score.Cmp(want) != 0 {
			t.Errorf("flagged %v: AUROC %v, F1 %v, want %v", c.flagged, area, score, want)
		}
	}
}

func TestF1WeighsWhatIsPickedAndWhatIsMissed(t *testing.T) {
	values := []int{1, 1, 2, 0, 9}
	flagged := []bool{false, true, true, true, false}
	// Picked: rows 3 and 0, the lower of equal ones. Precision 1/2, recall 1/3.
	got, err := detect.F1(values, flagged, 2, cmp.Compare)
	if err != nil || got.Cmp(big.NewRat(2, 5)) != 0 {
		t.Errorf("%v, %v, want 2/5", got, err)
	}
}

func TestFlagsThatDoNotFitAreRefused(t *testing.T) {
	area := func(flagged ...bool) error {
		_, err := detect.AUROC([]int{1, 2, 3}, flagged, cmp.Compare)
		return err
	}
	score := func(picked int) error {
		_, err := detect.F1([]int{1, 2, 3}, []bool{true, false, false}, picked, cmp.Compare)
		return err
	}
	for want, err := range map[string]error{
		"flagged: 2 flags for 3 values": area(true, false),
		"flagged: no row is":            area(false, false, false),
		"flagged: all rows are":         area(true, true, true),
		"picked: 0 is outside 1 to 3":   score(0),
		"picked: 4 is outside 1 to 3":   score(4),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
