package program_test

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"testing"
	"unsafe"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// taped are the programs of this package's tests, and every node kind with every optimizer and one micro-batch
// and several.
func taped() map[string]*program.Program {
	all := small()
	maps.Copy(all, torchPrograms())
	all["augmentation"], all["row_dropout"] = cropped(), dropped()
	for name, p := range grouped() {
		all["groups "+name] = p
	}
	all["several inputs"] = plain(maskedTokens(), 2)
	all["adapted and tied"], all["adapted"] = plain(adapted(true), 2), plain(adapted(false), 1)
	optimizers := []program.Optimizer{
		{Kind: program.SGD}, {Kind: program.SGD, Momentum: 0.9, Nesterov: true, WeightDecay: 1e-3},
		{Kind: program.Adam, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8}, {Kind: program.AdamW, Beta1: 0.9, Beta2: 0.99, Eps: 1e-8, WeightDecay: 0.1},
	}
	i := 0
	for _, name := range slices.Sorted(maps.Keys(differentiable())) {
		for _, loss := range []program.Loss{program.CrossEntropy, program.MSE} {
			p := &program.Program{
				Version: program.Version, BatchSize: 3, Accumulation: 1 + i%3, Graph: program.Graph{Nodes: differentiable()[name]}, Loss: loss,
				Optimizer: optimizers[i%4], Schedule: program.Schedule{Kind: program.Constant, Rate: 0.01}, ClipNorm: float64(i / 4 % 2),
			}
			all[fmt.Sprintf("%s %s", name, loss)] = p
			i++
		}
	}
	return all
}

const results = 37

// tapeOf lays a program out.
func tapeOf(t *testing.T, p *program.Program) (*program.Plan, *program.Tape) {
	t.Helper()
	plan, err := program.Compile(p, kernels.ProfileF32)
	must(t, err)
	return plan, plan.Tape(results)
}

func end(r kernels.Range) int { return r.Offset + r.Words }

func inside(r, of kernels.Range) bool {
	return r.Offset >= of.Offset && end(r) <= end(of) && r.Words >= 0
}

func overlap(a, b kernels.Range) bool { return a.Offset < end(b) && b.Offset < end(a) }

func TestWhatOutlivesACallNeverSharesMemory(t *testing.T) {
	for name, p := range taped() {
		plan, tape := tapeOf(t, p)
		block := kernels.Range{Words: tape.Words}
		apart := func(what string, within kernels.Range, all ...kernels.Range) {
			t.Helper()
			for i, a := range all {
				if !inside(a, within) {
					t.Errorf("%s: %s %d: %v is not in %v", name, what, i, a, within)
				}
				for k, b := range all[:i] {
					if overlap(a, b) {
						t.Errorf("%s: %s %d and %d: %v and %v share words", name, what, k, i, b, a)
					}
				}
			}
		}
		apart("block", block, append([]kernels.Range{tape.In, tape.Out, tape.State}, tape.Gradients...)...)
		apart("tensor", tape.State, tape.Tensors...)
		apart("result", tape.Out, tape.Loss, tape.Results)
		if tape.Loss.Words != 1 || tape.Results.Words != results || (tape.Clip.Words == 1) != (p.ClipNorm > 0) {
			t.Errorf("%s: loss %v, clip %v, results %v", name, tape.Loss, tape.Clip, tape.Results)
		}
		if tape.Clip.Words > 0 {
			apart("result", tape.Out, tape.Loss, tape.Clip, tape.Results)
		}
		for k, spec := range plan.Tensors() {
			if tape.Tensors[k].Words != spec.Len() {
				t.Errorf("%s: %s has %d words, %d needed", name, spec.Name, tape.Tensors[k].Words, spec.Len())
			}
		}
		for k, spec := range plan.Params() {
			if tape.Gradients[k].Words != spec.Len() {
				t.Errorf("%s: gradient of %s has %d words, %d needed", name, spec.Name, tape.Gradients[k].Words, spec.Len())
			}
		}
	}
}

// Each call is checked as a Runner would, writes nowhere but to its outputs, and reads nothing but what came with the
// step, the state and what earlier calls of the step wrote.
func TestACallReadsOnlyWhatItsStepHasWritten(t *testing.T) {
	for name, p := range taped() {
		_, tape := tapeOf(t, p)
		block := kernels.Range{Words: tape.Words}
		written := make([]bool, tape.Words)
		mark := func(r kernels.Range) {
			for i := range r.Words {
				written[r.Offset+i] = true
			}
		}
		mark(tape.In)
		mark(tape.State)
		mark(tape.Fixed)
		for _, g := range tape.Gradients { // nothing depends on the padding behind them
			mark(kernels.Range{Offset: end(g), Words: (16 - end(g)%16) % 16})
		}

		f, n := make([]float32, tape.Words), make([]int32, tape.Words)
		for i, c := range tape.Calls() {
			operands := c.Op.Operands()
			var bufs []kernels.Buf
			for k, r := range c.Operands {
				if !inside(r, block) {
					t.Fatalf("%s: call %d, %s: operand %d: %v is outside of %d words", name, i, c.Op.Name(), k, r, tape.Words)
				}
				if k < len(operands) && operands[k].Kind == kernels.I32 {
					bufs = append(bufs, kernels.Buf{I: n[:r.Words]})
				} else {
					bufs = append(bufs, kernels.Buf{F: f[:r.Words]})
				}
			}
			if err := kernels.Check(c.Op, bufs); err != nil {
				t.Fatalf("%s: call %d: %v", name, i, err)
			}
			for k, o := range operands {
				r := c.Operands[k]
				if o.Access != kernels.Out {
					if at := slices.Index(written[r.Offset:end(r)], false); at >= 0 {
						t.Fatalf("%s: call %d, %s: operand %q: word %d was never written", name, i, c.Op.Name(), o.Name, r.Offset+at)
					}
				}
				for other, q := range c.Operands {
					if o.Access != kernels.In && other != k && overlap(r, q) && r != q {
						t.Fatalf("%s: call %d, %s: operand %q: %v shares words with %v", name, i, c.Op.Name(), o.Name, r, q)
					}
				}
			}
			for k, o := range operands {
				if o.Access != kernels.In {
					mark(c.Operands[k])
				}
			}
		}
		for k, r := range append([]kernels.Range{tape.Loss, tape.Clip}, tape.Gradients...) {
			if slices.Contains(written[r.Offset:end(r)], false) {
				t.Errorf("%s: result %d is not written", name, k)
			}
		}
	}
}

// block is a tape with memory.
type block struct {
	tape   *program.Tape
	runner program.Runner
	f      []float32
	i      []int32
	w      []uint32
}

func newBlock(tape *program.Tape, r program.Runner) *block {
	f := make([]float32, tape.Words)
	return &block{
		tape: tape, runner: r, f: f,
		i: unsafe.Slice((*int32)(unsafe.Pointer(&f[0])), len(f)),
		w: unsafe.Slice((*uint32)(unsafe.Pointer(&f[0])), len(f)),
	}
}

func (b *block) run(t *testing.T, calls []kernels.Call) {
	t.Helper()
	for i, c := range calls {
		var bufs []kernels.Buf
		for k, o := range c.Op.Operands() {
			r := c.Operands[k]
			if o.Kind == kernels.I32 {
				bufs = append(bufs, kernels.Buf{I: b.i[r.Offset:end(r)]})
			} else {
				bufs = append(bufs, kernels.Buf{F: b.f[r.Offset:end(r)]})
			}
		}
		if err := b.runner.Run(c.Op, bufs); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
}

// forget leaves only the tensors, and a NaN in every other word.
func (b *block) forget() {
	kept := append(b.tensors(), b.frozen()...)
	for i := range b.w {
		b.w[i] = 0xffc0dead
	}
	for i, r := range append(slices.Clip(b.tape.Tensors), b.tape.Frozen...) {
		copy(b.f[r.Offset:end(r)], kept[i])
	}
}

func (b *block) tensors() (all [][]float32) {
	for _, r := range b.tape.Tensors {
		all = append(all, slices.Clone(b.f[r.Offset:end(r)]))
	}
	return all
}

func (b *block) frozen() (all [][]float32) {
	for _, r := range b.tape.Frozen {
		all = append(all, slices.Clone(b.f[r.Offset:end(r)]))
	}
	return all
}

func (b *block) gradients() (all [][]float32) {
	for _, r := range b.tape.Gradients {
		all = append(all, b.f[r.Offset:end(r)])
	}
	return all
}

func TestATapeComputesWhatAMachineDoes(t *testing.T) {
	const steps, seed = 4, 1 // machine's seed
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	must(t, err)
	defer cpu.Close()
	for name, p := range taped() {
		t.Run(name, func(t *testing.T) {
			m, plan := machine(t, p, kernels.Options{Threads: 1})
			b := newBlock(plan.Tape(results), cpu)
			tape := b.tape
			must(t, m.Init(5))
			start := b.tensors()
			plan.Start(start)
			b.forget()
			for i, r := range tape.Tensors {
				copy(b.f[r.Offset:], start[i])
			}
			frozen := b.frozen()
			plan.StartFrozen(frozen)
			for i, r := range tape.Frozen {
				copy(b.f[r.Offset:], frozen[i])
			}
			tape.FillInit(b.w[tape.In.Offset:end(tape.In)], 5)
			b.run(t, tape.Init)
			if string(bytesOf(b.tensors())) != string(bytesOf(m.Tensors())) {
				t.Fatal("the initial states differ")
			}
			for step := range uint64(steps) {
				draw(m, step, 3)
				loss, err := m.Gradients(step)
				must(t, err)
				b.forget()
				must(t, tape.Fill(b.w[tape.In.Offset:end(tape.In)], m.Rows(), seed, step))
				b.run(t, tape.Backward())
				if got := b.f[tape.Loss.Offset]; math.Float32bits(got) != math.Float32bits(loss) {
					t.Fatalf("step %d: loss %v, want %v", step, got, loss)
				}
				if string(bytesOf(b.gradients())) != string(bytesOf(m.Grads())) {
					t.Fatalf("step %d: gradients differ", step)
				}
				_, clip, err := m.Update(step)
				must(t, err)
				b.run(t, tape.Update)
				if tape.Clip.Words > 0 && b.f[tape.Clip.Offset] != clip {
					t.Fatalf("step %d: clip coefficient %v, want %v", step, b.f[tape.Clip.Offset], clip)
				}
				if string(bytesOf(b.tensors())) != string(bytesOf(m.Tensors())) {
					t.Fatalf("step %d: states differ", step)
				}
			}
		})
	}
}
