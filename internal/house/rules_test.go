package house

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// never are packages of which the first are not made, even by way of others. Those that do not exist yet are held to it
// once they do.
var never = []struct{ from, to []string }{
	{[]string{"kernels/..."}, []string{"cgo/...", "verify/...", "shapley/...", "proofs/...", "bench/...", "cmd/...", "internal/..."}},
	{[]string{"proofs/..."}, []string{"kernels/...", "cgo/...", "verify/...", "shapley/...", "bench/...", "cmd/...", "internal/..."}},
	{[]string{"proofs"}, []string{"proofs/translog/..."}},
	{[]string{"verify/..."}, []string{"cgo/...", "proofs/...", "shapley/..."}},
	{[]string{"shapley/..."}, []string{"cgo/...", "proofs/...", "verify"}},
	{[]string{"verify"}, []string{"verify/dispute/...", "verify/tolerance/..."}},
	{[]string{room + "cli/..."}, []string{room + "serve/..."}},
	{[]string{room + "serve/..."}, []string{room + "cli/..."}},
	{[]string{room + "pool/..."}, []string{room + "cli/...", room + "serve/..."}},
	{[]string{room + "device/..."}, []string{room + "cli/...", room + "serve/...", room + "pool/..."}},
	{[]string{room + "fleet/..."}, []string{room + "cli/...", room + "serve/...", room + "pool/...", "verify"}},
	{[]string{room + "store/..."}, []string{room + "blob/...", room + "blobs/..."}},
	{[]string{room + "blob/...", room + "blobs/..."}, []string{room + "store/..."}},
}

// room is where the command's packages are.
const room = "cmd/verifyd/internal/"

// meetings are the packages that meet what they must never.
func meetings(g graph) (wrong []string) {
	for _, rule := range never {
		for _, from := range g.folders() {
			if !matches(rule.from, from) {
				continue
			}
			by := g.reach(from)
			for _, to := range slices.Sorted(maps.Keys(by)) {
				if matches(rule.to, to) && !matches(rule.to, by[to]) && !(matches(rule.from, by[to]) && by[to] != from) {
					wrong = append(wrong, from+" meets "+to)
				}
			}
		}
	}
	return wrong
}

func matches(patterns []string, folder string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return covers(pattern, folder) })
}

// suites are the packages of tests that the command is made of, by the last name of the one room of it that imports them:
// the doctor examines devices with them, and the demonstration and canaries forge claims.
var suites = map[string][]string{
	"doctor": {"kernels/optest", "verify/engine/enginetest"},
	"demo":   {"verify/verifytest"},
	"canary": {"verify/verifytest"},
}

// may says whether a package ships one of tests for a reason.
func may(from, to string) bool {
	return strings.HasPrefix(from, room) && slices.Contains(suites[path.Base(from)], to)
}

// shipped are the packages of tests that reach the command in another way.
func shipped(g graph) (wrong []string) {
	command := g.reach("cmd/verifyd")
	for _, from := range g.folders() {
		if _, in := command[from]; !in {
			continue
		}
		for _, to := range g[from] {
			if forTests(to) && !may(from, to) {
				wrong = append(wrong, from+" ships "+to)
			}
		}
	}
	return wrong
}

// forTests says whether a package serves tests: by its name, or as a rig that runs kernels without a GPU.
func forTests(folder string) bool {
	return strings.HasSuffix(folder, "test") || matches([]string{"kernels/shim", "kernels/ptx/interpreter", "verify/oracle", "verify/metamorphic"}, folder)
}

func TestWhatMustNeverMeetDoesNot(t *testing.T) {
	_, g := read(t)
	for _, wrong := range meetings(g) {
		t.Error(wrong)
	}
}

func TestNoPackageOfTestsReachesTheCommandWithoutAReason(t *testing.T) {
	_, g := read(t)
	for _, wrong := range shipped(g) {
		t.Error(wrong)
	}
	for from, all := range suites {
		for _, suite := range all {
			if g.reach("cmd/verifyd")[suite] == "" {
				t.Errorf("%s does not reach the command by way of %s", suite, from)
			}
		}
	}
}

// with is a graph with an import more.
func with(g graph, from, to string) graph {
	g = maps.Clone(g)
	g[from] = append(slices.Clone(g[from]), to)
	return g
}

// drawn is a house as it is meant to be.
var drawn = graph{
	"kernels": nil, "kernels/launch": {"kernels"}, "kernels/optest": {"kernels"}, "kernels/shim": {"kernels"},
	"kernels/kernelstest": {"kernels/shim"}, "cgo": {"kernels/launch"},
	"verify/program": {"kernels"}, "verify/engine": {"verify/program"}, "verify/engine/enginetest": {"verify/engine"}, "verify": {"verify/engine"},
	"verify/dispute": {"verify"}, "verify/tolerance": {"verify"}, "shapley": {"verify/engine"}, "proofs": nil, "proofs/translog": nil, "proofs/bundle": {"proofs", "proofs/translog"},
	room + "store": nil, room + "blob": nil, room + "fleet": {"verify/program"}, room + "doctor": {"cgo", "kernels/optest", "verify/engine/enginetest"},
	room + "device": {room + "doctor"}, room + "pool": {"verify", "proofs", room + "store", room + "blob", room + "fleet", room + "device"},
	room + "cli": {room + "pool", "shapley"}, room + "serve": {room + "pool"}, "cmd/verifyd": {room + "cli", room + "serve"},
}

func TestWhateverMeetsIsFound(t *testing.T) {
	if wrong := meetings(drawn); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
	for _, c := range []struct{ from, to, want string }{
		{"kernels", "verify/program", "kernels meets verify/program"},
		{"proofs/bundle", "kernels", "proofs/bundle meets kernels"},
		{"proofs", "proofs/translog", "proofs meets proofs/translog"},
		{"verify/program", "cgo", "verify/program meets cgo"},
		{"verify", "proofs", "verify meets proofs"},
		{"verify/engine", "shapley", "verify/engine meets shapley"},
		{"shapley", "verify", "shapley meets verify"},
		{"shapley", "cgo", "shapley meets cgo"},
		{"shapley", "proofs/bundle", "shapley meets proofs/bundle"},
		{"verify", "verify/dispute", "verify meets verify/dispute"},
		{"verify", "verify/tolerance", "verify meets verify/tolerance"},
		{room + "cli", room + "serve", room + "cli meets " + room + "serve"},
		{room + "serve", room + "cli", room + "serve meets " + room + "cli"},
		{room + "pool", room + "serve", room + "pool meets " + room + "serve"},
		{room + "device", room + "store", ""},
		{room + "device", room + "pool", room + "device meets " + room + "pool"},
		{room + "fleet", "verify", room + "fleet meets verify"},
		{room + "fleet", room + "pool", room + "fleet meets " + room + "pool"},
		{room + "store", room + "blob", room + "store meets " + room + "blob"},
		{room + "blob", room + "store", room + "blob meets " + room + "store"},
	} {
		if wrong := meetings(with(drawn, c.from, c.to)); (c.want == "") != (len(wrong) == 0) || c.want != "" && !slices.Contains(wrong, c.want) {
			t.Errorf("%s on %s: %q, want %q", c.from, c.to, wrong, c.want)
		}
	}
	// By way of another is met, too.
	between := with(with(drawn, room+"cli", room+"chart"), room+"chart", room+"serve")
	if want := room + "cli meets " + room + "serve"; !slices.Contains(meetings(between), want) {
		t.Errorf("%q, want %q", meetings(between), want)
	}
}

func TestAPackageOfTestsInTheCommandIsFound(t *testing.T) {
	if wrong := shipped(drawn); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
	for _, c := range []struct{ from, to string }{
		{room + "cli", "kernels/optest"}, {room + "doctor", "kernels/kernelstest"}, {"verify", "kernels/shim"}, {"shapley", "shapley/round/roundtest"},
		{"kernels/optest", "kernels/kernelstest"},
	} {
		if wrong := shipped(with(drawn, c.from, c.to)); !slices.Contains(wrong, c.from+" ships "+c.to) {
			t.Errorf("%s on %s: %q", c.from, c.to, wrong)
		}
	}
	// What the command is not made of may do as it likes.
	if wrong := shipped(with(drawn, "bench", "shapley/round/roundtest")); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
}
