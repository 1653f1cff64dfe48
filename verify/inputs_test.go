package verify_test

import (
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
)

// masked reads tokens and weights of them.
func masked() *program.Program {
	p := mlp()
	node := func(name string, op program.Op, in ...string) program.Node {
		return program.Node{Name: name, Op: op, Inputs: in}
	}
	p.Graph = program.Graph{Nodes: []program.Node{
		node("tokens", program.Input{Type: program.I32, Shape: []int{4}}), node("mask", program.Input{Type: program.F32, Shape: []int{4, 3}}),
		node("tok", program.Embedding{Vocab: 5, Dim: 3, Std: 0.5}, "tokens"), node("m", program.Mul{}, "tok", "mask"),
		node("flat", program.Flatten{}, "m"), node("head", program.Linear{Out: 3, Bias: true}, "flat"),
	}}
	return p
}

func maskedData(t testing.TB, samples int) *job.Dataset {
	t.Helper()
	mask, tokens, y := make([]float32, samples*12), make([]int32, samples*4), make([]int32, samples)
	for i := range mask {
		mask[i] = float32(i*i%9-4) / 4
	}
	for i := range tokens {
		tokens[i] = int32(i * i % 5)
	}
	for i := range y {
		y[i] = int32(i % 3)
	}
	return must(job.NewDatasetOf([]program.TensorSpec{
		{Name: "x/mask", Shape: []int{samples, 4, 3}}, {Name: "x/tokens", Kind: kernels.I32, Shape: []int{samples, 4}}, {Name: "y", Kind: kernels.I32, Shape: []int{samples}},
	}, []kernels.Buf{{F: mask}, {I: tokens}, {I: y}}))(t)
}

func TestAClaimOnSeveralInputsIsOpenedAndJudged(t *testing.T) {
	r := newRig(t, masked(), maskedData(t, 40), all)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	bundle := r.bundle(dir)
	if v := r.judge(bundle, r.options(kernels.Auto, 1)); v.Finding.Outcome != verify.Pass {
		t.Errorf("%+v", v.Finding)
	}
	plain, _ := r.plainSegment(bundle)
	for _, name := range []string{"step/0000/x/mask", "step/0000/x/tokens", "step/0000/y"} {
		if !strings.Contains(string(plain), name) {
			t.Errorf("the opening has no %s", name)
		}
	}
	swapped := cheat{batch: func(step uint64, ids []int64) {
		if step == 13 {
			ids[0], ids[1] = ids[1], ids[0]
		}
	}}
	if f := r.judge(r.bundle(r.forge(swapped)), r.options(kernels.Auto, 1)).Finding; f.Outcome != verify.Fail || f.Reason != verify.WrongBatch {
		t.Errorf("%+v", f)
	}
}

func TestDataOfOtherInputsAreRefused(t *testing.T) {
	r := newRig(t, masked(), maskedData(t, 40), nil)
	if err := r.terms.CheckData(&job.Assignment{}, blobs(t, 40, 7)); err == nil || !strings.Contains(err.Error(), "2 tensors, the program reads 3") {
		t.Error(err)
	}
	one := newRig(t, mlp(), blobs(t, 40, 7), nil)
	if err := one.terms.CheckData(&job.Assignment{}, maskedData(t, 40)); err == nil || !strings.Contains(err.Error(), "3 tensors, the program reads 2") {
		t.Error(err)
	}
}
