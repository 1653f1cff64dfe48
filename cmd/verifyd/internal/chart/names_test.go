package chart

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func one(i int) int { return i + 1 }

func TestNamesThatLookAlikeHaveTheirNumbers(t *testing.T) {
	long := func(middle string) string { return "the department of " + middle + " at the university" }
	names := []string{"a", "a ", "b", long("physics"), long("surgery"), "a #1", "", "\u200b"}
	got := labels(names, one)
	for i, l := range got {
		if ems(l) > labelEms {
			t.Errorf("%q takes %.2f ems", l, ems(l))
		}
		if slices.Index(got, l) != i {
			t.Errorf("%q stands twice: %q", l, got)
		}
	}
	if got[2] != "b" {
		t.Errorf("%q, though no other looks like b", got[2])
	}
}

func TestANameCannotSteerOrPassForAnother(t *testing.T) {
	for name, want := range map[string]string{
		"evil\u202egnp.exe": "evilgnp.exe", "a\x1b[31mb": "a [31mb", "a\r\n\tb": "a b", "\x00": "", "\xff": "□", "e\u0301": "e\u0301",
		"x" + strings.Repeat("\u0300", 9): "x\u0300\u0300", "\u0300x": "x", "\ufdfd": "□", "\ufeffa\u200b\u00ad": "a", "  a  ": "a",
	} {
		if got := plain(name); got != want {
			t.Errorf("%q is shown as %q, want %q", name, got, want)
		}
	}
}

func TestALongNameKeepsItsEnds(t *testing.T) {
	got := shorten("Universitätsklinikum Hamburg-Eppendorf, Station 12", labelEms)
	if !strings.HasPrefix(got, "Universit") || !strings.HasSuffix(got, "tation 12") {
		t.Errorf("%q", got)
	}
}

func FuzzNamesHaveRoom(f *testing.F) {
	for _, n := range hostile() {
		f.Add(n, n)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		got := labels([]string{a, b}, one)
		if got[0] == got[1] {
			t.Errorf("%q and %q are both %q", a, b, got[0])
		}
		for _, l := range got {
			if ems(l) > labelEms || !utf8.ValidString(l) || strings.ContainsAny(l, "\n\r\x00\u202e") || l == "" {
				t.Errorf("%q and %q: %q", a, b, l)
			}
		}
	})
}
