// SPDX-License-Identifier: GPL-3.0-or-later

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/bench/mumax/compare"
)

// TestMain lets this binary be the program: mumax3 has one context for each process.
func TestMain(m *testing.M) {
	if os.Getenv("MUMAX_IS_THE_PROGRAM") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// driver compiles the libcuda of testdata/driver.c.
func driver(t *testing.T) string {
	t.Helper()
	so := filepath.Join(t.TempDir(), "libcuda.so")
	out, err := exec.Command("cc", "-Wall", "-shared", "-fPIC", "-O1", "-ffp-contract=off", "-o", so, "testdata/driver.c", "-lm").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return so
}

// program runs the program with a few small sizes and returns its outputs and its report.
func program(t *testing.T, environment []string, args ...string) (stdout, stderr string, report compare.Report, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	quick := []string{"-out", file, "-sizes", "10,17", "-repeats", "17", "-rounds", "1", "-times", "2", "-launches", "600", "-runs", "100"}
	cmd := exec.Command(os.Args[0], append(quick, args...)...)
	cmd.Env = append(append(os.Environ(), "MUMAX_IS_THE_PROGRAM=1"), environment...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err = cmd.Run()
	if data, readErr := os.ReadFile(file); readErr == nil {
		if bad := json.Unmarshal(data, &report); bad != nil {
			t.Error(bad)
		}
	}
	return o.String(), e.String(), report, err
}

func TestBothLibrariesRunInOneProcess(t *testing.T) {
	stdout, stderr, report, err := program(t, nil, "-libcuda", driver(t))
	if err != nil {
		t.Fatalf("%v: %s", err, stderr)
	}
	if m := report.Machine; m.Device != "Paper GPU" || m.Capability != "9.0" || m.Driver != "CUDA 12.8" {
		t.Errorf("machine %+v", m)
	}
	rows := map[string]int{}
	for _, row := range report.Rows {
		rows[row.By]++
	}
	if rows["launches"] != 12 || rows["a captured graph"] != 1 || rows[""] != 2 {
		t.Errorf("rows by %v", rows)
	}
	distinct, bits := map[string]int{}, map[string]string{}
	for _, p := range report.Repeats {
		distinct[p.Side+" "+string(p.Reduction)] = p.Distinct
		bits[p.Side+" "+string(p.Reduction)] = p.Patterns[0].Bits
	}
	if distinct["launches sum"] != 1 || distinct["launches sum of squares"] != 1 || distinct["mumax3 largest magnitude"] != 1 {
		t.Errorf("different results: %v", distinct)
	}
	if distinct["mumax3 sum"] < 2 || distinct["mumax3 sum of squares"] < 2 {
		t.Errorf("additions in any order gave the same sum each time: %v", distinct)
	}
	// The definition's results for these operands, on every machine.
	if bits["launches sum"] != "42b92927" || bits["launches sum of squares"] != "472ac0fa" {
		t.Errorf("bits %v", bits)
	}
	if !strings.Contains(stdout, "sum of squares of 2^17") {
		t.Errorf("table:\n%s", stdout)
	}
}

func TestASumThatVariesFailsTheRunAndIsStillReported(t *testing.T) {
	stdout, stderr, report, err := program(t, []string{"DRIVER_DRIFT=120"}, "-libcuda", driver(t), "-sizes", "10", "-repeats", "10")
	if err == nil || !strings.Contains(stderr, "gave 2 different results, must be one") {
		t.Errorf("%v: %s", err, stderr)
	}
	if len(report.Repeats) == 0 || !strings.Contains(stdout, "different results") {
		t.Errorf("%d repeats in the report; table:\n%s", len(report.Repeats), stdout)
	}
}

func TestASumThatIsWrongFromTheStartIsNotTimed(t *testing.T) {
	_, stderr, report, err := program(t, []string{"DRIVER_DRIFT=2"}, "-libcuda", driver(t))
	if err == nil || !strings.Contains(stderr, "on the CPU") || len(report.Rows) > 0 {
		t.Errorf("%v after %d rows: %s", err, len(report.Rows), stderr)
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	so := driver(t)
	for name, c := range map[string]struct {
		environment []string
		args        []string
		says        string
	}{
		"driver":  {nil, []string{"-libcuda", "/nonexistent/libcuda.so"}, "no NVIDIA driver"},
		"device":  {nil, []string{"-libcuda", so, "-device", "1"}, "device 1"},
		"memory":  {[]string{"DRIVER_MEMORY=1048576"}, []string{"-libcuda", so}, "out of memory"},
		"power":   {nil, []string{"-libcuda", so, "-sizes", "10,40"}, `"40" is no power between 0 and 28`},
		"runs":    {nil, []string{"-libcuda", so, "-runs", "0"}, "must be positive"},
		"nothing": {nil, []string{"-libcuda", so, "more"}, `unexpected argument "more"`},
	} {
		if _, stderr, _, err := program(t, c.environment, c.args...); err == nil || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: %v, should say %q: %s", name, err, c.says, stderr)
		}
	}
}
