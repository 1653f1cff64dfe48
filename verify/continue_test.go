package verify_test

import (
	"bytes"
	"context"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// oneSample is a data set of one sample many times, so that the order of it, which is another for each job, changes nothing.
func oneSample(t testing.TB, d *job.Dataset, p *program.Program) *job.Dataset {
	t.Helper()
	plan := must(program.Compile(p, kernels.ProfileF32))(t)
	specs := plan.Rows()
	var bufs []kernels.Buf
	for _, s := range specs {
		bufs = append(bufs, s.Buf())
	}
	if err := d.Fill(bufs, make([]int64, specs[0].Shape[0])); err != nil {
		t.Fatal(err)
	}
	return must(job.NewDataset(specs[0], bufs[0], specs[1], bufs[1]))(t)
}

// setting is a job of so many steps that begins with final, if there is one.
func setting(t testing.TB, p *program.Program, d *job.Dataset, steps uint64, final *verify.Final) verifytest.Setting {
	return verifytest.Setting{Operator: newKey(t, 1), Worker: newKey(t, 2), Program: p, Data: d, Slot: 1, Final: final, Job: func(j *job.Job) {
		all(j)
		j.Steps = steps
	}}
}

// final reads what a trace of r ended with.
func (r *rig) final(dir string) *verify.Final {
	r.t.Helper()
	data := read(r.t, dir, trace.FinalFile)
	return must(verify.ReadFinal(bytes.NewReader(data), trace.FinalFile, r.terms.Spec()))(r.t)
}

// tensors is what a file of a state holds behind its header.
func tensors(t testing.TB, dir string, l *verify.Terms) []byte {
	t.Helper()
	data := read(t, dir, trace.FinalFile)
	return data[len(data)-int(l.State().Bytes()):]
}

func TestTwoClaimsOneAfterTheOtherEndWhereOneOverBothLengthsDoes(t *testing.T) {
	adapted := verifytest.Adapted()
	for name, c := range map[string]struct {
		p *program.Program
		d *job.Dataset
	}{
		"momentum, warm-up, dropout, accumulation": {mlp(), blobs(t, 40, 7)},
		"Adam and frozen tensors":                  {adapted, must(verifytest.Text(20))(t)},
	} {
		t.Run(name, func(t *testing.T) {
			d, cpu := oneSample(t, c.d, c.p), newCPU(t, kernels.Auto, 1)
			whole := newRigOf(t, setting(t, c.p, d, 16, nil))
			dir, _ := whole.train(cpu)
			want := tensors(t, dir, whole.terms)

			first := newRigOf(t, setting(t, c.p, d, 7, nil))
			before, summary := first.train(cpu)
			second := newRigOf(t, setting(t, c.p, d, 9, first.final(before)))
			after, _ := second.train(cpu)
			if !bytes.Equal(tensors(t, after, second.terms), want) {
				t.Error("two claims end elsewhere")
			}
			if init := second.terms.Job.Init; init.Root != summary.Final || init.Final.Root != summary.Final {
				t.Errorf("the second job begins with %v, the first claim ended with %v", init.Root, summary.Final)
			}
			if v := second.judge(second.bundle(after), second.options(kernels.Auto, 1)); v.Finding.Outcome != verify.Pass {
				t.Errorf("%+v", v.Finding)
			}
			if got := second.final(after).Counters; got.Step != 16 || got.RNG != 16*uint64(c.p.Accumulation) || got.Cursor != 9*uint64(second.terms.Rows()) {
				t.Errorf("it ends with %+v", got)
			}

			again := setting(t, c.p, d, 9, first.final(before))
			again.Restart = true
			restarted := newRigOf(t, again)
			anew, _ := restarted.train(cpu)
			if bytes.Equal(tensors(t, anew, restarted.terms), want) {
				t.Error("counters that begin again end with the same")
			}
			if init := restarted.terms.Job.Init; init.Root == summary.Final || init.Final.Root != summary.Final || init.Begins().Step != 0 {
				t.Errorf("%+v", init)
			}
			if v := restarted.judge(restarted.bundle(anew), restarted.options(kernels.Auto, 1)); v.Finding.Outcome != verify.Pass {
				t.Errorf("%+v", v.Finding)
			}
		})
	}
}

// continued is a job that goes on from the claim of another.
func continued(t testing.TB) (r *rig, final *verify.Final) {
	t.Helper()
	first := newRigOf(t, setting(t, mlp(), blobs(t, 40, 7), 7, nil))
	dir, _ := first.train(newCPU(t, kernels.Auto, 1))
	final = first.final(dir)
	return newRigOf(t, setting(t, mlp(), blobs(t, 40, 7), 9, final)), final
}

// Slots decide where the next steps go, and counters how fast: a worker that begins with others sells another training.
func TestAForgedStartFails(t *testing.T) {
	r, _ := continued(t)
	plain := must(program.Compile(mlp(), kernels.ProfileF32))(t)
	runner := newCPU(t, kernels.Auto, 1)
	for name, c := range map[string]struct {
		cheat  verifytest.Cheat
		reason verify.Reason
		step   uint64
	}{
		"another parameter":     {verifytest.FlipInit(0, 1), verify.WrongInit, 0},
		"another slot":          {verifytest.FlipInit(7, 0), verify.WrongInit, 0},
		"slots that begin at 0": {verifytest.Cheat{Init: func(m *program.Machine) { clear(m.Tensors()[6]) }}, verify.WrongInit, 0},
		"counters that begin at 0": {verifytest.Cheat{Work: func(f *verifytest.Forger, first, count uint64) error {
			m := must(program.NewMachine(plain, runner, r.terms.Job.Seed))(t)
			for i, x := range f.Machine.Tensors() {
				copy(m.Tensors()[i], x)
			}
			f.Machine = m
			return f.Honest(first, count)
		}}, verify.WrongGradient, 0},
	} {
		dir := filepath.Join(t.TempDir(), "forged")
		must(r.pool().Forge(t.Context(), runner, c.cheat, dir))(t)
		if f := r.judge(r.bundle(dir), r.options(kernels.Auto, 1)).Finding; f.Outcome != verify.Fail || f.Reason != c.reason || f.First == nil || f.First.Step != c.step {
			t.Errorf("%s: %s for %s, %+v", name, f.Outcome, f.Reason, f.First)
		}
	}
}

func TestAnotherStartThanTheJobsIsRefusedBeforeAnyWork(t *testing.T) {
	r, final := continued(t)
	var whole bytes.Buffer
	must(0, final.Write(&whole, r.terms.Spec()))(t)
	device := newDevice(t, "cpu", kernels.Auto, 1)
	take := func(data []byte) error {
		bare := must(verify.Accept(r.docs.Job, r.docs.Program, r.docs.Curve, keyOf(t, r.operator)))(t)
		if err := bare.CheckStart(t.Context(), device); fault.Of(err) != fault.Missing {
			t.Errorf("without it: %v", err)
		}
		f, err := verify.ReadFinal(bytes.NewReader(data), verify.StartFile, bare.Spec())
		if err != nil {
			return err
		}
		if err := bare.TakeFinal(f); err != nil {
			return err
		}
		err = bare.CheckStart(t.Context(), device)
		if _, begun := verify.Begin(t.Context(), verify.Work{Terms: bare, Data: r.data, Device: device, Assignment: r.assignment()}, filepath.Join(t.TempDir(), "t")); (begun == nil) != (err == nil) {
			t.Errorf("checked: %v, begun: %v", err, begun)
		}
		return err
	}
	if err := take(whole.Bytes()); err != nil {
		t.Fatal(err)
	}
	alter := func(change func(b []byte)) []byte {
		b := bytes.Clone(whole.Bytes())
		change(b)
		return b
	}
	for name, c := range map[string]struct {
		data  []byte
		class fault.Class
	}{
		"one byte":        {alter(func(b []byte) { b[len(b)-2] ^= 1 }), fault.WrongDigest},
		"another counter": {bytes.Replace(whole.Bytes(), []byte(`"step":"7"`), []byte(`"step":"8"`), 1), fault.WrongDigest},
		"step 0":          {bytes.Replace(whole.Bytes(), []byte(`"step":"7"`), []byte(`"step":"0"`), 1), fault.WrongType},
		"truncated":       {whole.Bytes()[:whole.Len()-1], fault.BadLength},
		"NaN":             {alter(func(b []byte) { copy(b[len(b)-4:], []byte{1, 0, 0xc0, 0x7f}) }), fault.NotFinite},
		"nothing":         {nil, fault.BadLength},
	} {
		if err := take(c.data); fault.Of(err) != c.class || !strings.HasPrefix(err.Error(), verify.StartFile) {
			t.Errorf("%s: %v of class %v", name, err, fault.Of(err))
		}
	}
	other := must(engine.NewSpec(verifytest.CNN(), kernels.ProfileF32, 0))(t)
	if _, err := verify.ReadFinal(bytes.NewReader(whole.Bytes()), verify.StartFile, other); fault.Of(err) != fault.WrongType && fault.Of(err) != fault.TooLarge {
		t.Errorf("of another program: %v", err)
	}
	if err := newRigOf(t, setting(t, mlp(), blobs(t, 40, 7), 9, nil)).terms.TakeFinal(final); fault.Of(err) != fault.WrongType {
		t.Errorf("a job that draws its start: %v", err)
	}
}

func TestAStartComesBackFromItsFile(t *testing.T) {
	r, final := continued(t)
	var file bytes.Buffer
	must(0, final.Write(&file, r.terms.Spec()))(t)
	back := must(verify.ReadFinal(bytes.NewReader(file.Bytes()), "f", r.terms.Spec()))(t)
	if !reflect.DeepEqual(back, final) {
		t.Error("it does not")
	}
	if uint64(file.Len()) != r.terms.Job.Init.Final.Size {
		t.Errorf("%d bytes, the job says %d", file.Len(), r.terms.Job.Init.Final.Size)
	}
}

// A curve of a job that goes on is measured where the job begins: it holds for no other start.
func TestACurveOfAJobThatGoesOnIsOfItsStart(t *testing.T) {
	r, final := continued(t)
	c, err := verify.CurveRun{
		Program: mlp(), Profile: kernels.ProfileF32, Data: r.data, Start: verify.Start{Seed: 11, Final: final}, Dropout: 12, Steps: 9, Stride: 3,
		Drawn: merkle.Hash{1}, Device: newDevice(t, "cpu", kernels.Auto, 1),
	}.Measure(context.Background())
	if err != nil || c.Terms.Start != r.terms.Job.Init.Root {
		t.Errorf("%v", err)
	}
}
