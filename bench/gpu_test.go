//go:build cgo && linux

package bench

import (
	"bytes"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/cgo/cgotest"
)

// driver is a libcuda whose kernels compute nothing.
func driver(t *testing.T) cgo.Options {
	t.Helper()
	d := cgotest.New(t)
	d.Control("memory 8589934592")
	return cgo.Options{Library: d.Library(), NVML: d.Library()}
}

func TestAQuickRunOnAGPUFillsEveryGroup(t *testing.T) {
	var told []string
	report, err := Run(t.Context(), Options{
		Quick: true, Device: "cuda:0", Commit: "abc", driver: driver(t), Progress: func(what string) { told = append(told, what) },
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, r := range report.Rows {
		rows[r.Group]++
		if r.Name == "" || r.Ours == nil || r.Ours.Samples == 0 {
			t.Errorf("row %+v is empty", r)
		}
	}
	for _, group := range told {
		if rows[group] == 0 && group != "gpt2" { // which has no quick form
			t.Errorf("group %s has no row", group)
		}
	}
	if rows["cpu"] != 1 || len(told) != 7 || report.Device.SMs == 0 || report.Machine.Commit != "abc" {
		t.Errorf("told %v, %d rows against the CPU, device %+v", told, rows["cpu"], report.Device)
	}
	var table strings.Builder
	if err := report.Markdown(&table); err != nil {
		t.Fatal(err)
	}
	_, cells, _ := strings.Cut(table.String(), "|---|")
	if n := strings.Count(cells, "\n") - 1; n != len(report.Rows) {
		t.Errorf("the table has %d rows, the report %d", n, len(report.Rows))
	}
	if err := report.JSON(new(bytes.Buffer)); err != nil {
		t.Error(err)
	}
}

func TestAMachineWithoutAGPUIsToldSo(t *testing.T) {
	_, err := Run(t.Context(), Options{Quick: true, Device: "cuda:0", driver: cgo.Options{Library: "no-such-library.so"}})
	if err == nil || !strings.Contains(err.Error(), cgo.ErrNoDriver.Error()) {
		t.Errorf("error %v", err)
	}
	for _, name := range []string{"cuda", "cuda:", "cuda:-1", "tpu:0", "cuda:1x"} {
		if _, err := ordinalOf(name); err == nil {
			t.Errorf("%q is taken for a device", name)
		}
	}
}

func TestWhatIsForeseenIsForeseenForAll(t *testing.T) {
	for _, op := range memoryBound(1 << 20) {
		if foreseenShares[op.Name()] == 0 {
			t.Errorf("nothing is foreseen for %s", op.Name())
		}
	}
	for _, m := range append(models(false), gpt2()) {
		if foreseenSteps[m.name] == 0 {
			t.Errorf("nothing is foreseen for %s", m.name)
		}
	}
}

func TestTheFloorsOfAnH100AreThoseOfItsDataSheet(t *testing.T) {
	top := ceilingsOf(cgo.Info{Name: "NVIDIA H100 80GB HBM3", SMs: 132, Major: 9})
	if top == nil || top.flops < 66e12 || top.flops > 68e12 || top.bandwidth != 3.35e12 || top.hash < 1e12 {
		t.Fatalf("%+v", top)
	}
	if ms := 1e3 * top.floor(2*4096*4096*4096, 3*4*4096*4096); ms < 2 || ms > 2.1 {
		t.Errorf("a product of 4096^3 takes at least %v ms", ms)
	}
	if ceilingsOf(cgo.Info{Name: "Fake GPU"}) != nil || (*ceilings)(nil).floor(1, 1) != 0 {
		t.Error("an unknown device has a floor")
	}
}
