package cli

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/verifyd/verifyd/verify/program"
)

func TestSizesReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]size{"8GiB": 8 << 30, "1TiB": 1 << 40, "3MiB": 3 << 20, "5KiB": 5 << 10, "1": 1, "1025": 1025} {
		var s size
		if err := s.Set(text); err != nil || s != want || s.String() != text {
			t.Errorf("%s: %d, %s, %v", text, uint64(s), s.String(), err)
		}
	}
	for _, text := range []string{"", "0", "-1", "8GB", "8gib", "GiB", "1.5GiB", "8 GiB", "9000000TiB", "18446744073709551616", "8388608TiB"} {
		s := size(7)
		if err := s.Set(text); err == nil || s != 7 {
			t.Errorf("%q is read as %d", text, uint64(s))
		}
	}
}

func TestInspectingAProgramAllocatesNoneOfItsBuffers(t *testing.T) {
	p := program.Program{
		Version: program.Version, BatchSize: 8, Accumulation: 1,
		Graph:     program.MLP(program.MLPConfig{Inputs: 20000, Hidden: []int{20000}, Classes: 3}),
		Loss:      program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.SGD},
		Schedule:  program.Schedule{Kind: program.Constant},
	}
	path := filepath.Join(t.TempDir(), "program.json")
	if err := os.WriteFile(path, p.JSON(), 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	it, err := inspectFile(path)
	runtime.ReadMemStats(&after)
	if err != nil || it.Program == nil || it.Program.MemoryBytes < 3e9 {
		t.Fatalf("%+v, %v", it, err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 4<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}
