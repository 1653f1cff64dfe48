//go:build linux

package gpu

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// claim is an honest claim of a small classifier, opened, and the verdict that the CPU reaches.
type claim struct {
	dir      string
	operator document.Key
	want     *verify.Verdict
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// cpus are a processor's two code paths.
func cpus(t testing.TB) []engine.Device {
	t.Helper()
	var all []engine.Device
	for name, isa := range map[string]kernels.ISA{"cpu": kernels.Auto, "generic cpu": kernels.Generic} {
		cpu := must(kernels.NewCPU(kernels.Options{ISA: isa, Threads: 1}))(t)
		t.Cleanup(cpu.Close)
		all = append(all, engine.NewCPU(name, cpu, 1))
	}
	return all
}

// newClaim trains and opens 3 segments of 2 steps, of which 2 are replayed.
func newClaim(t testing.TB) *claim {
	t.Helper()
	p := &program.Program{
		Version: program.Version, BatchSize: 2, Accumulation: 1,
		Graph:     program.MLP(program.MLPConfig{Inputs: 3, Hidden: []int{4}, Classes: 2}),
		Loss:      program.CrossEntropy,
		Optimizer: program.Optimizer{Kind: program.SGD, Momentum: 0.9},
		Schedule:  program.Schedule{Kind: program.Constant, Rate: 0.1},
	}
	const samples = 8
	x, y := make([]float32, 3*samples), make([]int32, samples)
	for i := range x {
		x[i] = float32(i*i%11) / 8
		y[i/3] = int32(i / 3 % 2)
	}
	data := must(job.NewDataset(
		program.TensorSpec{Name: "x", Shape: []int{samples, 3}}, kernels.Buf{F: x},
		program.TensorSpec{Name: "y", Kind: kernels.I32, Shape: []int{samples}}, kernels.Buf{I: y}))(t)
	devices := cpus(t)
	pool := must(verifytest.NewPool(t.Context(), verifytest.Setting{
		Program: p, Data: data, Device: devices[0],
		Job: func(j *job.Job) { j.Steps, j.Stride, j.Slots, j.Sampled, j.Delay = 6, 2, 1, job.Exactly(1), 0 },
	}))(t)
	c := &claim{dir: filepath.Join(t.TempDir(), "bundle"), operator: pool.Terms.Job.Operator}
	traced := filepath.Join(t.TempDir(), "trace")
	must(pool.Train(t.Context(), devices[0], traced))(t)
	if err := pool.Bundle(t.Context(), traced, c.dir); err != nil {
		t.Fatal(err)
	}
	c.want = c.judge(t, verify.Options{Devices: devices})
	if c.want.Finding.Outcome != verify.Pass || c.want.Finding.Replayed != 6 {
		t.Fatalf("the CPU finds %+v", c.want.Finding)
	}
	return c
}

func (c *claim) judge(t testing.TB, o verify.Options) *verify.Verdict {
	t.Helper()
	return must(verify.Judge(t.Context(), c.dir, c.operator, o))(t)
}

// interpreted is what the interpreter gives for a claim. The claims of all tests are the same.
var interpreted struct {
	sync.Mutex
	data []byte
}

// record returns the file for children that play back what the interpreter gives for the claim.
func (c *claim) record(t testing.TB) (path string) {
	t.Helper()
	interpreted.Lock()
	defer interpreted.Unlock()
	if interpreted.data == nil {
		interpreted.data = must(json.Marshal(c.interpret(t)))(t)
	}
	path = filepath.Join(t.TempDir(), "recording")
	if err := os.WriteFile(path, interpreted.data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// interpret judges the claim on the interpreter in this process, and returns what came out of its runs.
func (c *claim) interpret(t testing.TB) [][]uint32 {
	t.Helper()
	house := kernelstest.Interpreter(t)
	var r *recorder
	d := inProcess(func(ctx context.Context, words int) (engine.Accelerator, error) {
		r = &recorder{Accelerator: must(house.Memory(ctx, words))(t)}
		return r, nil
	})
	if _, blamed := c.on(t, d, cpus(t)); len(blamed) > 0 {
		t.Fatal(blamed)
	}
	return r.outs
}

// inProcess is a device without a child.
func inProcess(open engine.Opener) engine.Device {
	return engine.NewDevice("in this process", "in this process", open)
}

// on judges the claim on d first, and returns the errors that d was blamed for.
func (c *claim) on(t testing.TB, d engine.Device, cpus []engine.Device) (v *verify.Verdict, blamed []error) {
	t.Helper()
	v = c.judge(t, verify.Options{
		Devices: append([]engine.Device{d}, cpus...),
		Failed:  func(_ engine.Device, err error) { blamed = append(blamed, err) },
	})
	if v.Evidence != c.want.Evidence {
		t.Errorf("%s: %+v, the CPU finds %+v", v.Build.Device, v.Finding, c.want.Finding)
	}
	return v, blamed
}
