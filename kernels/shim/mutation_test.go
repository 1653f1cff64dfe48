package shim_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/kernels/optest"
	"github.com/verifyd/verifyd/kernels/shim"
)

var (
	barrier  = regexp.MustCompile(`__sync(threads|warp)\(\);`)
	included = regexp.MustCompile(`(?m)^#include "(\w+\.cuh)"`)
)

// Every barrier in the kernels is there for a reason that a test sees.
func TestDeletingAnyBarrierMakesATestFail(t *testing.T) {
	p := compiled(t)
	pages := sources(t, p.Source())
	seen := 0
	for _, name := range slices.Sorted(maps.Keys(pages)) {
		text := pages[name]
		for _, at := range barrier.FindAllStringIndex(text, -1) {
			if strings.Contains(text[strings.LastIndexByte(text[:at[0]], '\n')+1:at[0]], "//") {
				continue
			}
			seen++
			line := 1 + strings.Count(text[:at[0]], "\n")
			mutant := with(t, p, name, text[:at[0]]+strings.Repeat(" ", at[1]-at[0]-1)+";"+text[at[1]:])
			check := suiteOf(pages, name)
			ascending, descending := check(started(t, mutant, false)), check(started(t, mutant, true))
			if ascending == nil && descending == nil {
				t.Errorf("%s:%d: every case passes without this barrier", name, line)
			}
			t.Logf("%s:%d\n  ascending: %v\n  descending: %v", name, line, ascending, descending)
		}
	}
	if seen == 0 {
		t.Error("no barrier was found in the kernels")
	}
}

// sources are the kernels and their headers by name.
func sources(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.cu*"))
	if err != nil {
		t.Fatal(err)
	}
	pages := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.Base(file)] = string(text)
	}
	return pages
}

// includes says whether page from is page of, or includes it.
func includes(pages map[string]string, from, of string) bool {
	if from == of {
		return true
	}
	for _, m := range included.FindAllStringSubmatch(pages[from], -1) {
		if includes(pages, m[1], of) {
			return true
		}
	}
	return false
}

// with is the program where one page has another text.
func with(t *testing.T, p *shim.Program, page, text string) *shim.Program {
	t.Helper()
	source := t.TempDir()
	if err := os.Symlink(filepath.Join(p.Source(), "_shim"), filepath.Join(source, "_shim")); err != nil {
		t.Fatal(err)
	}
	pages := sources(t, p.Source())
	pages[page] = text
	var changed []string
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".cu") && includes(pages, name, page) {
			changed = append(changed, filepath.Join(source, name))
		}
	}
	m, err := p.With(t.Context(), source, t.TempDir(), changed)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// suiteOf is what tests the kernels of a page.
func suiteOf(pages map[string]string, page string) func(*shim.Shim) error {
	if page == "blake3.cu" {
		return func(s *shim.Shim) error {
			for _, n := range hashLengths {
				if err := kernelstest.CheckDigests(s, n); err != nil {
					return err
				}
			}
			return nil
		}
	}
	cases := casesOf(pages, page)
	return func(s *shim.Shim) error { return optest.Check(s, cases) }
}

// casesOf are the cases whose plan launches a kernel of a page, or of one that includes it.
func casesOf(pages map[string]string, page string) []optest.Case {
	own := map[string]bool{}
	for name, text := range pages {
		if strings.HasSuffix(name, ".cu") && includes(pages, name, page) {
			for _, m := range shim.KernelName.FindAllStringSubmatch(text, -1) {
				own[m[1]] = true
			}
		}
	}
	var cases []optest.Case
	for _, c := range optest.Cases() {
		plan, err := launch.For(c.Op)
		if err != nil {
			continue
		}
		if slices.ContainsFunc(plan.Launches, func(l launch.Launch) bool { return own[l.Kernel] }) {
			cases = append(cases, c)
		}
	}
	return cases
}
