package valuation

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// replay is an honest claim of six steps on twenty samples.
func replay(t *testing.T) *Replay {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	const samples, width = 20, 4
	x, y := make([]float32, samples*width), make([]int32, samples)
	for i := range x {
		x[i] = float32(i*i%11)/8 - 0.5
	}
	for i := range y {
		y[i] = int32(i % 3)
	}
	p := program.Program{
		Version: program.Version, BatchSize: 4, Accumulation: 1, Graph: program.MLP(program.MLPConfig{Inputs: width, Hidden: []int{5}, Classes: 3}),
		Loss: program.CrossEntropy, Optimizer: program.Optimizer{Kind: program.SGD}, Schedule: program.Schedule{Kind: program.Constant, Rate: 0.05},
	}
	plan, err := program.Compile(&p, kernels.ProfileF32)
	must(err)
	rows := func(s program.TensorSpec) program.TensorSpec {
		s.Shape = append([]int{samples}, s.Shape[1:]...)
		return s
	}
	data, err := job.NewDataset(rows(plan.X()), kernels.Buf{F: x}, rows(plan.Y()), kernels.Buf{I: y})
	must(err)
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	must(err)
	t.Cleanup(cpu.Close)
	device := engine.NewCPU("cpu", cpu, 1)
	pool, err := verifytest.NewPool(t.Context(), verifytest.Setting{
		Program: &p, Data: data, Device: device, Job: func(j *job.Job) { j.Steps, j.Stride, j.Sampled = 6, 2, job.Exactly(1) },
	})
	must(err)
	summary, err := pool.Train(t.Context(), device, filepath.Join(t.TempDir(), "trace"))
	must(err)
	worker, err := verifytest.KeyOf(pool.Worker)
	must(err)
	assignment, _, err := pool.Terms.ReadAssignment(pool.Documents.Assignment)
	must(err)
	return &Replay{
		Terms: pool.Terms, Assignment: assignment, Data: data, X: kernels.Buf{F: x}, Y: kernels.Buf{I: y}, Order: 2, CPU: cpu, Threads: 1,
		Claim: trace.Claim{Worker: worker, Steps: summary.Steps, Root: summary.Root, Final: summary.Final},
	}
}

func TestAReplayedRunExplainsItsLoss(t *testing.T) {
	r := replay(t)
	v, err := r.Values(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var sum int64
	for _, x := range v.Values {
		sum += x
	}
	// Plain SGD at a small rate: what the second order leaves is of third order. Twenty roundings add to it.
	if left := v.Moved - sum - v.Residual; left < -20 || left > 20 {
		t.Errorf("moved %d, values %d, residual %d", v.Moved, sum, v.Residual)
	}
	if v.Moved <= 0 || v.Residual*20 > v.Moved || v.Residual*20 < -v.Moved {
		t.Errorf("moved %d, of it unexplained %d", v.Moved, v.Residual)
	}
	r.Owners, r.OwnerCount = make([]int, 20), 3
	for i := range r.Owners {
		r.Owners[i] = i % 2
	}
	owned, err := r.Values(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := owned.Values[0] + owned.Values[1] - sum; owned.Values[2] != 0 || d < -20 || d > 20 {
		t.Errorf("owners have %v, samples %d together", owned.Values, sum)
	}
}

func TestValuesOfARunThatWasNotClaimedAreRefused(t *testing.T) {
	r := replay(t)
	r.Claim.Final[0] ^= 1
	if _, err := r.Values(t.Context()); err == nil || !strings.Contains(err.Error(), "the claim does not hold") {
		t.Errorf("error %v", err)
	}
}
