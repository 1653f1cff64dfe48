package verify_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// oversized is a bundle, signed throughout, of a job over p that nobody has done: what its documents say
// is in order, and its program is as large as p.
func oversized(r *rig, p *program.Program, inputs int, samples uint64) (*verify.Terms, string) {
	r.t.Helper()
	pool := must(verifytest.NewPool(r.t.Context(), verifytest.Setting{
		Operator: r.operator, Worker: r.worker, Program: p, Data: r.data, Slot: 1,
		Job: func(j *job.Job) {
			j.Data.Samples, j.Init.Root = samples, merkle.Hash{1}
			j.Data.Tensors = slices.Clone(j.Data.Tensors)
			j.Data.Tensors[0].Shape = []int{inputs}
		},
	}))(r.t)
	if err := pool.Claim(trace.Summary{Steps: pool.Terms.Job.Steps, Root: merkle.Hash{1}, Final: merkle.Hash{2}}); err != nil {
		r.t.Fatal(err)
	}
	docs := pool.Documents
	dir := filepath.Join(r.t.TempDir(), "bundle")
	if err := os.Mkdir(dir, 0o755); err != nil {
		r.t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		verify.JobFile: docs.Job, verify.ProgramFile: docs.Program, verify.CurveFile: docs.Curve, verify.AssignmentFile: docs.Assignment, verify.ClaimFile: docs.Claim,
		verify.ReceiptFile: docs.Receipt, verify.BeaconFile: docs.Beacon,
	} {
		write(r.t, filepath.Join(dir, name), data)
	}
	return pool.Terms, dir
}

// allocated is the number of bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestAProgramOverTheMemoryLimitIsRefusedBeforeItIsAllocated(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	options := r.options(kernels.Auto, 1)
	wide := mlp() // 400 million parameters with gradients and momentum, and two states
	wide.Graph = program.MLP(program.MLPConfig{Inputs: 20000, Hidden: []int{20000}, Classes: 3})
	tall := mlp() // small layers, but 2^26 rows in a step with 688 bytes of ids and proof each
	tall.BatchSize, tall.Accumulation = 1<<16, 1<<10
	tall.Graph = program.MLP(program.MLPConfig{Inputs: 1, Classes: 3})
	for name, c := range map[string]struct {
		p       *program.Program
		inputs  int
		samples uint64
		limit   uint64
		words   string
	}{
		"wide layers": {wide, 20000, 40, 0, "program.json: graph, with batch_size 6 and accumulation 2: "},
		"many rows":   {tall, 1, 1 << 20, 0, "program.json: graph, with batch_size 65536 and accumulation 1024: "},
		"low limit":   {mlp(), 7, 40, 4096, "program.json: graph, with batch_size 6 and accumulation 2: "},
	} {
		t.Run(name, func(t *testing.T) {
			terms, bundle := oversized(r, c.p, c.inputs, c.samples)
			o := options
			o.MaxMemory = c.limit
			limit := cmp.Or(c.limit, verify.DefaultMaxMemory)
			out := filepath.Join(t.TempDir(), "out")
			for verb, f := range map[string]func() error{
				"judge": func() error {
					_, err := verify.Judge(context.Background(), bundle, keyOf(t, r.operator), o)
					return err
				},
				"train": func() error {
					_, err := verify.Train(context.Background(), verify.Work{
						Terms: terms, Data: r.data, Device: options.Devices[0], MaxMemory: c.limit,
					}, out)
					return err
				},
				"open": func() error {
					return verify.Answer(context.Background(), verify.Response{
						Terms: terms, Data: r.data, Signer: r.worker, Device: options.Devices[0], MaxMemory: c.limit,
					}, out)
				},
			} {
				var err error
				if n := allocated(func() { err = f() }); n > 16<<20 {
					t.Errorf("%s: %d bytes allocated", verb, n)
				}
				var refused *verify.MemoryError
				if !errors.As(err, &refused) || !strings.HasPrefix(err.Error(), c.words) || refused.Limit != limit || refused.Need != terms.MemoryBytes() {
					t.Errorf("%s: %v", verb, err)
				}
				if _, err := os.Stat(out); err == nil {
					t.Errorf("%s: left %s behind", verb, out)
				}
			}
		})
	}
}

func TestTheMemoryLimitIsTheLastSizeThatPasses(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	o := r.options(kernels.Auto, 1)
	o.MaxMemory = r.terms.MemoryBytes()
	if v := r.judge(bundle, o); v.Finding.Outcome != verify.Pass {
		t.Errorf("%+v", v.Finding)
	}
	o.MaxMemory--
	var refused *verify.MemoryError
	if _, err := verify.Judge(context.Background(), bundle, keyOf(t, r.operator), o); !errors.As(err, &refused) {
		t.Error(err)
	}
}

func TestMemoryCountsBuffersTwoStatesProofsMeasuresAndSegments(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	const parameters = 7*11 + 11 + 11*5 + 5 + 5*3 + 3
	state := uint64(2 * 4 * parameters) // with momentum
	samples := uint64(12 * (8 + 8 + 32 + 6*32 + 3*(4*7+4)))
	measured := uint64(4 * 4 * r.terms.Gate.Words())
	segments := uint64(8 * (2*32 + 8*(4+6)))
	if got, want := r.terms.MemoryBytes(), r.terms.Plan.MemoryBytes()+2*state+samples+measured+segments; got != want {
		t.Errorf("%d bytes, want %d", got, want)
	}
}
