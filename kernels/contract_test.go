package kernels

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// read is the text of a file of this package.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestContractAndPagesHaveTheSameConstants(t *testing.T) {
	constants := func(text string) []string {
		set := map[string]bool{}
		for _, c := range regexp.MustCompile(`-?0x1(\.[0-9a-f]+)?p-?[0-9]+`).FindAllString(text, -1) {
			set[c] = true
		}
		return slices.Sorted(maps.Keys(set))
	}
	contract := read(t, "contract.md")
	_, functions, _ := strings.Cut(contract, "## 5. Functions")
	functions, _, _ = strings.Cut(functions, "## 7. Composite operators")
	var pages strings.Builder
	for _, page := range []string{"exp", "log", "tanh", "erf", "rsqrt", "sigmoid", "silu", "gelu", "gelu_tanh", "relu", "clamp", "hard_sigmoid", "hard_swish", "leaky_relu", "elu", "softplus"} {
		pages.WriteString(read(t, page+".go"))
	}
	if got, want := constants(pages.String()), constants(functions); !slices.Equal(got, want) {
		t.Errorf("the pages have %v\nthe contract has %v", got, want)
	}
}

func TestEveryOperatorIsInTheContract(t *testing.T) {
	contract := read(t, "contract.md")
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var found int
	for _, f := range names {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`\) Name\(\) string +\{ return "([a-z0-9_]+)" \}`).FindAllStringSubmatch(read(t, f.Name()), -1) {
			found++
			if !regexp.MustCompile(`\b` + m[1] + `\b`).MatchString(contract) {
				t.Errorf("contract.md does not define %s of %s", m[1], f.Name())
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d operators found", found)
	}
}

func TestEverySectionThatAPageNamesIsInTheContract(t *testing.T) {
	contract := read(t, "contract.md")
	names, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range names {
		if !strings.HasSuffix(f.Name(), ".go") {
			continue
		}
		text := strings.ReplaceAll(read(t, f.Name()), "\n// ", " ")
		for _, m := range regexp.MustCompile(`contract\.md section ([0-9.]*[0-9])`).FindAllStringSubmatch(text, -1) {
			if !strings.Contains(contract, fmt.Sprintf("# %s ", m[1])) && !strings.Contains(contract, fmt.Sprintf("# %s. ", m[1])) {
				t.Errorf("%s names section %s, which contract.md does not have", f.Name(), m[1])
			}
		}
	}
}
