package shapley_test

import (
	"context"
	"fmt"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/shapley"
)

// costText is what the text of a cost comes to for n players and a budget b.
func costText(t *testing.T, text string, n, b int) uint64 {
	t.Helper()
	text = strings.TrimPrefix(text, "at most ")
	text = strings.ReplaceAll(text, "2^n", "(1<<n)")
	text = regexp.MustCompile(`([0-9B])([Bn(])`).ReplaceAllString(text, "$1*$2")
	text = regexp.MustCompile(`([0-9B])([Bn(])`).ReplaceAllString(text, "$1*$2")
	text = strings.NewReplacer("n", fmt.Sprint(n), "B", fmt.Sprint(b)).Replace(text)
	v, err := types.Eval(token.NewFileSet(), nil, token.NoPos, text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	u, _ := constant.Uint64Val(v.Value)
	return u
}

func TestAnEstimatorAsksForWhatItsPageDeclares(t *testing.T) {
	for _, e := range shapley.Estimators() {
		for _, n := range []int{2, 5, 8} {
			o := options(e)
			r := estimate(t, table(t, n, -1, 3), o)
			most := e.Evaluations(n, o.Budget)
			if most != costText(t, e.Cost, n, o.Budget) {
				t.Errorf("%s: %d evaluations of %d players, %s is another number", e.Name, most, n, e.Cost)
			}
			if r.Evaluations > most || r.Evaluations < most && !strings.HasPrefix(e.Cost, "at most") {
				t.Errorf("%s: %d evaluations of %d players, %d are declared", e.Name, r.Evaluations, n, most)
			}
		}
	}
}

func TestAControlVariateIsTakenWhereAPageSaysSoAndRefusedElsewhere(t *testing.T) {
	g := games(t)[2]
	for _, e := range shapley.Estimators() {
		o := options(e)
		o.Control = &shapley.Control{Game: g, Values: g.Values}
		r, err := shapley.Estimate(context.Background(), g, o)
		if !e.Control {
			if err == nil || !strings.Contains(err.Error(), "takes none") {
				t.Errorf("%s: error %v", e.Name, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		wantValues(t, e.Name, r, g.Values)
	}
}
