package house

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// row is a line of the table of CONTRIBUTING.md.
type row struct {
	folders []string // with all below them that has no row of its own
	imports []string // patterns; what shares a row may be imported as well
	above   bool     // imports what has a row above
}

var quoted = regexp.MustCompile("`([^`]+)`")

// table reads the rows between the head "| folder | what lives there | imports of ours |" and the next empty line.
// In a row, a folder that does not begin where the first does is a neighbour of the first.
func table(text string) (rows []row, err error) {
	_, text, found := strings.Cut(text, "| folder | what lives there | imports of ours |\n|---|---|---|\n")
	if !found {
		return nil, fmt.Errorf("no table of folders")
	}
	text, _, _ = strings.Cut(text, "\n\n")
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 3 {
			return nil, fmt.Errorf("%d cells in %q", len(cells), line)
		}
		var r row
		top := ""
		for _, m := range quoted.FindAllStringSubmatch(cells[0], -1) {
			folder := strings.TrimSuffix(m[1], "/")
			if first, _, _ := strings.Cut(folder, "/"); top == "" {
				top = first
			} else if first != top {
				folder = path.Join(path.Dir(r.folders[0]), folder)
			}
			r.folders = append(r.folders, folder)
		}
		if len(r.folders) == 0 {
			return nil, fmt.Errorf("no folder in %q", line)
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			r.imports = append(r.imports, m[1])
		}
		switch words := strings.Trim(quoted.ReplaceAllString(cells[2], ""), " ,"); {
		case words == "all above" && len(r.imports) == 0:
			r.above = true
		case words == "none" && len(r.imports) == 0:
		case words == "" && len(r.imports) > 0:
		default:
			return nil, fmt.Errorf("the imports %q are none, all above, or names", cells[2])
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// owner is the number of the row that has a folder: the one that names it most exactly.
func owner(rows []row, folder string) int {
	best, length := -1, 0
	for i, r := range rows {
		for _, f := range r.folders {
			if covers(f+"/...", folder) && len(f) > length {
				best, length = i, len(f)
			}
		}
	}
	return best
}

// strangers are the imports that the table does not have.
func strangers(rows []row, g graph) (wrong []string) {
	for _, from := range g.folders() {
		i := owner(rows, from)
		if i < 0 {
			wrong = append(wrong, from+" has no row")
			continue
		}
		for _, to := range g[from] {
			k := owner(rows, to)
			named := slices.ContainsFunc(rows[i].imports, func(pattern string) bool { return covers(pattern, to) })
			if k != i && (k < 0 || k > i || !named && !rows[i].above) {
				wrong = append(wrong, from+" imports "+to)
			}
		}
	}
	return wrong
}

func TestWhoImportsWhomIsAsTheTableSays(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := table(string(text))
	if err != nil {
		t.Fatal(err)
	}
	_, g := read(t)
	for _, wrong := range strangers(rows, g) {
		t.Errorf("%s: not in the table of CONTRIBUTING.md", wrong)
	}
	for i, r := range rows {
		if !slices.ContainsFunc(g.folders(), func(folder string) bool { return owner(rows, folder) == i }) {
			t.Errorf("no package lives in %v", r.folders)
		}
	}
}

const planted = `
| folder | what lives there | imports of ours |
|---|---|---|
| ` + "`ground/`" + ` | all | none |
| ` + "`house/hall`, `house/landing`, `stairs`" + ` | some, ` + "`a|b`" + ` | ` + "`ground`" + ` |
| ` + "`house/`" + ` | rest | ` + "`ground/...`, `house/...`" + ` |
| ` + "`roof`" + ` | top | all above |

After.`

func TestTheTableHasTheLastWord(t *testing.T) {
	rows, err := table(planted)
	if err != nil {
		t.Fatal(err)
	}
	sound := graph{
		"ground": {"ground/deep"}, "ground/deep": nil, "house/hall": {"ground", "house/stairs"}, "house/stairs": {"ground", "house/landing"}, "house/landing": nil,
		"house": {"house/hall", "ground/deep"}, "house/attic": {"house"}, "roof": {"house/attic", "ground"},
	}
	if wrong := strangers(rows, sound); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
	for what, c := range map[string]struct{ from, to string }{
		"ground imports roof":              {"ground", "roof"},
		"ground/deep imports house/hall":   {"ground/deep", "house/hall"},
		"house/hall imports house/attic":   {"house/hall", "house/attic"},
		"house/stairs imports ground/deep": {"house/stairs", "ground/deep"},
		"house/attic imports roof":         {"house/attic", "roof"},
		"roof imports garden":              {"roof", "garden"},
		"garden has no row":                {"garden", "ground"},
	} {
		if wrong := strangers(rows, with(sound, c.from, c.to)); !slices.Equal(wrong, []string{what}) {
			t.Errorf("%s: %q", what, wrong)
		}
	}
	for what, text := range map[string]string{
		"no table":    "nothing",
		"prose":       strings.Replace(planted, "all above", "those above", 1),
		"a cell less": strings.Replace(planted, " | top |", " |", 1),
		"no folder":   strings.Replace(planted, "`roof`", "roof", 1),
	} {
		if _, err := table(text); err == nil {
			t.Errorf("%s: accepted", what)
		}
	}
}
