package verify_test

import (
	"reflect"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
)

func TestAnHonestClaimPassesOnEveryCodePath(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, summary := r.train(newCPU(t, kernels.Auto, 2))
	bundle := r.bundle(dir)
	var first *verify.Verdict
	for _, isa := range kernels.Available() {
		for _, threads := range []int{1, 2} {
			_, again := r.train(newCPU(t, isa, threads))
			if again != summary {
				t.Fatalf("%v, %d threads: training gives another claim", isa, threads)
			}
			v := r.judge(bundle, r.options(isa, threads))
			if v.Finding.Outcome != verify.Pass || v.Finding.Reason != verify.Honest || v.Finding.First != nil {
				t.Fatalf("%v, %d threads: %+v", isa, threads, v.Finding)
			}
			if first == nil {
				first = v
			}
			if v.Evidence != first.Evidence || !reflect.DeepEqual(v.Finding, first.Finding) {
				t.Errorf("%v, %d threads: another finding or evidence root", isa, threads)
			}
		}
	}
	f := first.Finding
	if f.Segments != 8 || f.Sampled != 3 || f.Steps != 23 || f.Challenged[len(f.Challenged)-1] != 7 {
		t.Errorf("sampling: %+v", f)
	}
	if f.Replayed == 0 || f.Final != summary.Final || f.Root != summary.Root {
		t.Errorf("%+v", f)
	}
}
