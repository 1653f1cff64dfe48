package cli

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/shapley"
)

func TestTheDocumentationHasTheEstimatorsAsTheirPagesDeclareThem(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/valuation.md")
	if err != nil {
		t.Fatal(err)
	}
	table := "| estimator | budget B in | evaluations of n players | control variate | axioms with == |\n|---|---|---|---|---|\n"
	for _, e := range shapley.Estimators() {
		v := viewOf(e)
		table += fmt.Sprintf("| %s | %s | %s | %s | %s |\n", v.Name, orDash(v.Unit), v.Cost, yesOrDash(v.Control), v.Axioms)
	}
	if !strings.Contains(string(page), table) {
		t.Errorf("docs/valuation.md lacks this table:\n%s", table)
	}
}
