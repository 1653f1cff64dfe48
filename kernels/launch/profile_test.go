package launch_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// strange is a profile that this version does not have.
const strange = kernels.Profile(200)

func TestAProductIsDeclinedInAProfileWithoutKernels(t *testing.T) {
	for p, name := range map[kernels.Profile]string{0: "none", strange: "number 200"} {
		s := kernels.ConvShape{N: 1, C: 1, H: 2, W: 2, O: 1, KH: 1, KW: 1, StrideH: 1, StrideW: 1, Profile: p}
		a := kernels.Attention{Batch: 1, Heads: 1, Seq: 2, HeadDim: 2, Profile: p}
		for _, op := range []kernels.Operator{
			kernels.Gemm{M: 2, N: 3, K: 4, Profile: p}, kernels.Conv2D{ConvShape: s}, kernels.Conv2DGradInput{ConvShape: s},
			kernels.Conv2DGradWeight{ConvShape: s}, a, kernels.AttentionGrad(a), a.SDPA(), kernels.SDPAGrad(a.SDPA()),
			kernels.Matmul{Batch: 2, Each: kernels.Gemm{M: 2, N: 3, K: 4, Profile: p}},
		} {
			want := op.Name() + " in profile " + name
			if _, err := launch.For(op); !errors.Is(err, launch.ErrUnsupported) || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
			if _, err := launch.Variants(op); !errors.Is(err, launch.ErrUnsupported) {
				t.Errorf("variants of %s: %v", want, err)
			}
		}
		if _, err := (launch.Linear{M: 2, N: 3, K: 4, Profile: p}).Plan(); !errors.Is(err, launch.ErrUnsupported) {
			t.Errorf("a layer in profile %s: %v", name, err)
		}
	}
}

func TestALayerIsFusedInTheProfileOfItsProduct(t *testing.T) {
	steps := layer()
	fused, err := launch.Calls(steps)
	if err != nil || len(fused) != 1 {
		t.Fatalf("%d calls, %v", len(fused), err)
	}
	product := steps[0].Op.(kernels.Gemm)
	product.Profile = strange
	steps[0].Op = product
	if _, err := launch.Calls(steps); !errors.Is(err, launch.ErrUnsupported) {
		t.Errorf("a layer in an unknown profile: %v", err)
	}
}
