package ptx

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

var update = flag.Bool("update", false, "write the modules anew")

// compiled runs ptx.sh and returns each module's text. Without clang the test is skipped, or fails in CI.
func compiled(t *testing.T, flags ...string) map[string]string {
	t.Helper()
	if _, err := exec.LookPath("clang-19"); err != nil {
		if os.Getenv("VERIFYD_CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	if out, err := exec.Command("../_shim/ptx.sh", append([]string{dir}, flags...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.ptx"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(f), ".ptx")] = string(text)
	}
	return all
}

func modules(t *testing.T) []Module {
	t.Helper()
	all, err := Modules()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheModulesAreWhatThePinnedClangWrites(t *testing.T) {
	want := compiled(t)
	if *update {
		write(t, want)
		return
	}
	for _, m := range modules(t) {
		if text, ok := want[m.Name]; !ok {
			t.Errorf("module %s has no source", m.Name)
		} else if text != m.Text {
			t.Errorf("module %s is not what its source gives: go test ./kernels/ptx -update", m.Name)
		}
		delete(want, m.Name)
	}
	for name := range want {
		t.Errorf("%s.cu has no module: go test ./kernels/ptx -update", name)
	}
}

// write replaces the committed modules whose text differs.
func write(t *testing.T, want map[string]string) {
	t.Helper()
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range modules(t) {
		switch text, ok := want[m.Name]; {
		case ok && text == m.Text:
			delete(want, m.Name)
		case !ok:
			if err := os.Remove(filepath.Join("modules", m.Name+".ptx.zst")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range want {
		if err := os.WriteFile(filepath.Join("modules", name+".ptx.zst"), encoder.EncodeAll([]byte(text), nil), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryRoundingInTheModulesIsWritten(t *testing.T) {
	for _, m := range modules(t) {
		if err := Lint(m.Text); err != nil {
			t.Errorf("module %s: %v", m.Name, err)
		}
	}
}

// An infix operator on floats takes the flush mode of the compilation, an intrinsic does not.
var flushed = regexp.MustCompile(`\b(add|sub|mul|div|fma|mad|rcp|sqrt)\.[a-z0-9.]*ftz[a-z0-9.]*`)

func TestNoSourceHasAnInfixOperatorOnFloats(t *testing.T) {
	for name, text := range compiled(t, "-fgpu-flush-denormals-to-zero") {
		if found := flushed.FindString(text); found != "" {
			t.Errorf("%s.cu: an infix operator on floats becomes %s", name, found)
		}
	}
}

func TestAnInfixOperatorOnFloatsIsSeen(t *testing.T) {
	planted := filepath.Join(t.TempDir(), "planted.cuh")
	source := `extern "C" __attribute__((global)) void planted(float *x) { x[0] = x[1] + x[2]; }`
	if err := os.WriteFile(planted, []byte(source), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, text := range compiled(t, "-fgpu-flush-denormals-to-zero", "-include", planted) {
		if !flushed.MatchString(text) {
			t.Errorf("%s.cu: the planted sum was not seen", name)
		}
	}
}

func TestTheLintRefusesWhatDRN1DoesNotFix(t *testing.T) {
	for _, line := range []string{
		"add.f32 %f1, %f2, %f3;", "add.rn.ftz.f32 %f1, %f2, %f3;", "@%p1 fma.rz.f32 %f1, %f2, %f3, %f4;", "div.approx.f32 %f1, %f2, %f3;",
		"div.full.f32 %f1, %f2, %f3;", "sqrt.approx.ftz.f32 %f1, %f2;", "ex2.approx.f32 %f1, %f2;", "atom.global.add.f32 %f1, [%rd1], %f2;",
		"red.global.add.u32 [%rd1], 1;", "mul.rn.f64 %fd1, %fd2, %fd3;", "fma.rn.f16 %h1, %h2, %h3, %h4;", "max.f32 %f1, %f2, %f3;",
		"mul.rn.sat.f32 %f1, %f2, %f3;", "cvt.f32.s32 %f1, %r1;", "mad.f32 %f1, %f2, %f3, %f4;", "rcp.rn.f32 %f1, %f2;",
	} {
		if Lint("\t"+line) == nil {
			t.Errorf("passes: %s", line)
		}
	}
	for _, line := range []string{
		"add.rn.f32 %f1, %f2, %f3;", "fma.rn.f32 %f1, %f2, %f3, %f4;", "@!%p1 div.rn.f32 %f1, %f2, %f3;", "ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%rd1];",
		"setp.gt.f32 %p1, %f1, %f2;", "cvt.rn.f32.s32 %f1, %r1;", "// add.f32", "neg.f32 %f1, %f2;",
	} {
		if err := Lint("\t" + line); err != nil {
			t.Errorf("refused: %v", err)
		}
	}
}

func TestEveryKernelIsInOneModule(t *testing.T) {
	var all []string
	for _, m := range modules(t) {
		if len(m.Kernels) == 0 {
			t.Errorf("module %s has no kernel", m.Name)
		}
		all = append(all, m.Kernels...)
	}
	slices.Sort(all)
	if unique := slices.Compact(slices.Clone(all)); len(unique) != len(all) {
		t.Errorf("%d kernels, %d names", len(all), len(unique))
	}
}
