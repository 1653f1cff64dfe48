package enginetest

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

var (
	update = flag.Bool("update", false, "rewrite testdata/digests.txt from the fastest code path of this machine")
	long   = flag.Bool("long", false, "run 300 steps on every code path")
	models = flag.Uint64("models", 1, "steps of the models on the fastest code path")
	others = flag.Uint64("others", 0, "steps of the models on every other code path with vectors, and at most 3 on the reference's")
)

const header = `# SHA-256 over the initial state and all that leaves the engine in so many steps: training, steps, digest.
# Written by go test ./verify/engine/enginetest -update. A change is a new version of DRN or of
# the trainings.
`

// write makes testdata/digests.txt.
func write(t *testing.T) {
	t.Helper()
	small, err := Small()
	if err != nil {
		t.Fatal(err)
	}
	large, err := Large()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := Models()
	if err != nil {
		t.Fatal(err)
	}
	cpu, release, err := newCPU()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	var text strings.Builder
	text.WriteString(header)
	for _, tr := range slices.Concat(small, large, whole) {
		r, err := tr.start(t.Context(), cpu)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range checkpoints {
			for r.next < n {
				s, err := r.step(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if !s.Finite {
					t.Fatalf("%s diverges in step %d", tr.Name, r.next-1)
				}
			}
			fmt.Fprintf(&text, "%s%v\n", line(tr.Name, n), r.digest())
		}
		closing(t, r.engine)
	}
	if err := os.WriteFile("testdata/digests.txt", []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestEveryCodePathGivesTheKnownDigests(t *testing.T) {
	if *update {
		write(t)
		return // the digests in this binary are the old ones
	}
	small, large := uint64(25), uint64(1)
	if *long {
		small, large = 300, 300
	}
	for _, isa := range kernels.Available() {
		runner, err := kernels.NewCPU(kernels.Options{ISA: isa, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		d := engine.NewCPU(isa.String(), runner, 2)
		t.Run(isa.String(), func(t *testing.T) {
			Test(t, d, small)
			TestLarge(t, d, large)
		})
		runner.Close()
	}
}

func TestEveryCodePathTrainsTheModelsAlike(t *testing.T) {
	available := kernels.Available()
	for _, isa := range available {
		steps := *others
		switch isa {
		case available[len(available)-1]:
			steps = *models
		case kernels.Generic:
			steps = min(steps, 3)
		}
		if steps == 0 {
			continue
		}
		runner, err := kernels.NewCPU(kernels.Options{ISA: isa})
		if err != nil {
			t.Fatal(err)
		}
		t.Run(isa.String(), func(t *testing.T) { TestModels(t, engine.NewCPU(isa.String(), runner, 1), steps) })
		runner.Close()
	}
}

func TestEveryCheckpointOfEveryTrainingIsKnown(t *testing.T) {
	small, err := Small()
	if err != nil {
		t.Fatal(err)
	}
	large, err := Large()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := Models()
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range slices.Concat(small, large, whole) {
		for _, n := range checkpoints {
			if _, ok := Known(tr.Name, n); !ok {
				t.Errorf("no digest of %s after %d steps", tr.Name, n)
			}
		}
	}
	if _, ok := Known("mlp", 4); ok {
		t.Error("a digest that was never made is known")
	}
}

// wrong is the CPU with one operator that gives another bit from some call on.
type wrong struct {
	*kernels.CPU
	left int
}

func (w *wrong) Run(op kernels.Operator, bufs []kernels.Buf) error {
	err := w.CPU.Run(op, bufs)
	if _, ok := op.(kernels.LayerNorm); ok {
		if w.left--; w.left == 0 {
			bufs[3].F[5] = -bufs[3].F[5]
		}
	}
	return err
}

func TestADeviceWithOneWrongBitIsFoundAndItsStepIsNamed(t *testing.T) {
	small, err := Small()
	if err != nil {
		t.Fatal(err)
	}
	gpt := small[2]
	runner, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer runner.Close()
	const norms = 5 * 2 // in a step of two micro-batches
	flaky := func() engine.Device {
		return engine.NewCPU("flaky", &wrong{CPU: runner, left: 3*norms + 1}, 1)
	}
	got, err := gpt.Digest(t.Context(), flaky(), 5)
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := Known("gpt", 5); got == want {
		t.Error("a wrong sign in one step is not seen")
	}
	text := gpt.explain(context.Background(), flaky(), 5)
	if !strings.Contains(text, "first difference is in step 3, ") {
		t.Error(text)
	}
}
