package optest

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

// strange is a profile that this version does not have.
const strange = kernels.Profile(200)

// inProfile are the entries of the products in a profile.
func inProfile(p kernels.Profile) []entry { return slices.Concat(products(p), attention(p)) }

func TestEveryProfileHasCasesDigestsAndGoldenVectorsOfItsOwn(t *testing.T) {
	digests, err := os.ReadFile(digestFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range kernels.Profiles() {
		for _, e := range inProfile(p) {
			name := label(e.shapes[0])
			if !slices.Contains(names(), name) || !strings.Contains(string(digests), "\n"+name+" ") {
				t.Errorf("%v: %s has no cases or no digest", p, name)
			}
		}
		for _, k := range []int{1, 513, 1700, 9000} {
			if !slices.ContainsFunc(Vectors(), func(v Vector) bool {
				own, parameters, err := v.profile()
				return v.Operator == "gemm" && err == nil && own == p && strings.Contains(parameters, fmt.Sprintf("k=%d ", k))
			}) {
				t.Errorf("%v has no golden vector of K = %d", p, k)
			}
		}
	}
}

// A second profile: what it adds to the suite has other names, and so other data, and moves nothing of the first.
func TestAProfileChangesNoNameOfAnother(t *testing.T) {
	known := map[string]bool{}
	for _, c := range Cases() {
		known[c.String()] = true
	}
	for i, e := range inProfile(strange) {
		first := inProfile(kernels.ProfileF32)[i]
		if got, want := label(e.shapes[0]), first.shapes[0].Name()+"@"+strange.String(); got != want {
			t.Errorf("label %q, want %q", got, want)
		}
		for j, op := range e.shapes {
			c, was := Case{Op: op, entry: &e}, Case{Op: first.shapes[j], entry: &first}
			if known[c.String()] || c.seed() == was.seed() || !known[was.String()] {
				t.Errorf("%v and %v", c, was)
			}
		}
	}
}

// Same bits or decline: no code path computes a product in a profile that it does not know.
func TestAProductInAnUnknownProfileIsDeclinedByEveryCodePath(t *testing.T) {
	for _, b := range machines(t, 1, 2) {
		for _, e := range inProfile(strange) {
			for _, op := range e.shapes {
				bufs := make([]kernels.Buf, len(op.Operands()))
				for i, o := range op.Operands() {
					bufs[i].F = slices.Repeat([]float32{7}, o.Len)
				}
				if err := b.Run(op, bufs); b.Supports(op) || !errors.Is(err, kernels.ErrProfile) {
					t.Errorf("%s: %s: %v", b.Name(), label(op), err)
				}
				for i, buf := range bufs {
					if slices.ContainsFunc(buf.F, func(v float32) bool { return v != 7 }) {
						t.Errorf("%s: %s: operand %d was written", b.Name(), label(op), i)
					}
				}
			}
		}
	}
	if err := (Vector{"gemm", "profile=drn1/none m=1 n=1 k=1 fnv=0"}).Check(nil); !errors.Is(err, kernels.ErrProfile) {
		t.Errorf("a golden vector of an unknown profile: %v", err)
	}
}
