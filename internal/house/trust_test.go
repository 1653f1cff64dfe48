package house

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// promise is what whoever controls something can or cannot do.
type promise struct{ who, kind, what string }

// rowsBehind are the cells of the table in a text whose first lines are head.
func rowsBehind(text, head string) (rows [][]string) {
	_, text, found := strings.Cut(text, head)
	if !found {
		return nil
	}
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		rows = append(rows, strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | "))
	}
	return rows
}

// promised is what the table of trust in the README says, clause by clause: they end at semicolons.
func promised(readme string) (all []promise) {
	for _, cells := range rowsBehind(readme, "| who controls | can | cannot |\n|---|---|---|\n") {
		for i, kind := range []string{"can", "cannot"} {
			if i+1 >= len(cells) {
				continue
			}
			for _, what := range strings.Split(cells[i+1], "; ") {
				all = append(all, promise{cells[0], kind, strings.TrimSpace(what)})
			}
		}
	}
	return all
}

// noPromise begins the cell of tests where somebody can do something, and nothing follows.
const noPromise = "nothing is promised"

var (
	qualified = regexp.MustCompile("`([^`]+)`")
	ofPackage = regexp.MustCompile(`\.(?:Test|Fuzz)[A-Z]`)
)

// unshown are the clauses of the README that page does not show to be true by tests that are there, and what it shows
// that the README does not say.
func unshown(readme, page string, have map[string][]string) (wrong []string) {
	shown := map[promise]bool{}
	for section := range strings.SplitSeq(page, "\n## ") {
		who, text, _ := strings.Cut(section, "\n")
		for _, cells := range rowsBehind(text, "| | what | shown by |\n|---|---|---|\n") {
			if len(cells) != 3 {
				wrong = append(wrong, fmt.Sprintf("%s: %d cells in %q", who, len(cells), cells))
				continue
			}
			p := promise{who, cells[0], cells[1]}
			shown[p] = true
			names := 0
			for _, m := range qualified.FindAllStringSubmatch(cells[2], -1) {
				name := m[1]
				if at := ofPackage.FindStringIndex(name); at != nil {
					name = name[at[0]+1:]
				}
				if !tests.MatchString(name) {
					continue
				}
				names++
				in := strings.TrimSuffix(strings.TrimSuffix(m[1], name), ".")
				if !slices.ContainsFunc(have[name], func(folder string) bool {
					return in == "" && strings.HasSuffix(name, ".txt") || in != "" && strings.HasSuffix("/"+folder, "/"+in)
				}) {
					wrong = append(wrong, fmt.Sprintf("%s: %s is not there", who, m[1]))
				}
			}
			if names == 0 && (p.kind != "can" || !strings.HasPrefix(cells[2], noPromise)) {
				wrong = append(wrong, fmt.Sprintf("%s %s %s: no test is named", p.who, p.kind, p.what))
			}
		}
	}
	said := promised(readme)
	for _, p := range said {
		if !shown[p] {
			wrong = append(wrong, fmt.Sprintf("%s %s %s: not shown", p.who, p.kind, p.what))
		}
		delete(shown, p)
	}
	for p := range shown {
		wrong = append(wrong, fmt.Sprintf("%s %s %s: not said", p.who, p.kind, p.what))
	}
	return wrong
}

// TestEveryClauseOfTheTableOfTrustNamesTheTestThatShowsIt holds the README's table to docs/trust.md, word for word, and
// that to the tests of the tree.
func TestEveryClauseOfTheTableOfTrustNamesTheTestThatShowsIt(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(root, "docs/trust.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(promised(string(readme))); n < 20 {
		t.Errorf("the README's table of trust has %d clauses", n)
	}
	for _, wrong := range unshown(string(readme), string(page), places(t)) {
		t.Error(wrong)
	}
}

func TestAClauseThatNoTestShowsIsFound(t *testing.T) {
	const readme = "| who controls | can | cannot |\n|---|---|---|\n| the key | sign; lie | steal |\n\nAfter."
	const page = "# Trust\n\n## the key\n\n| | what | shown by |\n|---|---|---|\n" +
		"| can | sign | nothing is promised |\n| can | lie | `script.txt` |\n| cannot | steal | `lock.TestItHolds`: it holds |\n"
	have := map[string][]string{"TestItHolds": {"../../deep/lock"}, "script.txt": {"../../scripts"}}
	if wrong := unshown(readme, page, have); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
	for want, change := range map[string][2]string{
		"the key cannot steal: not shown":         {"| cannot | steal | `lock.TestItHolds`: it holds |\n", ""},
		"the key cannot steal: no test is named":  {"`lock.TestItHolds`: it holds", "nothing is promised"},
		"the key can lie: no test is named":       {"`script.txt`", "`script`"},
		"the key: lock.TestItHold is not there":   {"TestItHolds", "TestItHold"},
		"the key: other.TestItHolds is not there": {"lock.Test", "other.Test"},
		"the key: TestItHolds is not there":       {"lock.Test", "Test"},
		"the key: another.txt is not there":       {"script.txt", "another.txt"},
		"the key can cheat: not said":             {"| can | lie |", "| can | cheat | `script.txt` |\n| can | lie |"},
		"the key: 2 cells in [\"can\" \"lie\"]":   {"| lie | `script.txt` |", "| lie |"},
	} {
		if wrong := unshown(readme, strings.Replace(page, change[0], change[1], 1), have); !slices.Contains(wrong, want) {
			t.Errorf("%q, want %q", wrong, want)
		}
	}
}
