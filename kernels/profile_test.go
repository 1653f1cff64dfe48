package kernels

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// strange is a profile that this version does not have.
const strange = Profile(200)

// productsIn is every product operator in a profile, with buffers.
func productsIn(p Profile) []Operator {
	s := ConvShape{N: 1, C: 1, H: 2, W: 2, O: 1, KH: 1, KW: 1, StrideH: 1, StrideW: 1, Profile: p}
	a := Attention{Batch: 1, Heads: 1, Seq: 2, HeadDim: 2, Profile: p}
	return []Operator{Gemm{M: 2, N: 3, K: 4, Profile: p}, Conv2D{s}, Conv2DGradInput{s}, Conv2DGradWeight{s}, a, AttentionGrad(a), a.SDPA(), SDPAGrad(a.SDPA()), Matmul{2, Gemm{M: 2, N: 3, K: 4, Profile: p}}}
}

func TestProfilesHaveTheNamesThatTheyAreParsedFrom(t *testing.T) {
	if got := Profiles(); !slices.Contains(got, ProfileF32) || ProfileF32.String() != "drn1/f32" {
		t.Fatalf("profiles %v", got)
	}
	for _, p := range Profiles() {
		if back, err := ParseProfile(p.String()); err != nil || back != p || p.Check() != nil {
			t.Errorf("%v is parsed as %v, %v", p, back, err)
		}
		if p.Chunk() < 1 || p.Group()%p.Chunk() != 0 {
			t.Errorf("%v: groups of %d terms are not whole chunks of %d", p, p.Group(), p.Chunk())
		}
	}
	for _, name := range []string{"", "none", "f32", "DRN1/f32", "drn1/f32 ", strange.String(), strings.Repeat("x", 1000)} {
		if p, err := ParseProfile(name); !errors.Is(err, ErrProfile) || p != 0 || len(err.Error()) > 200 {
			t.Errorf("%.20q: %v, %v", name, p, err)
		}
	}
}

func TestAProductWithoutAKnownProfileIsRefusedEverywhere(t *testing.T) {
	everyCPU(t, func(t *testing.T, cpu *CPU) {
		for p, name := range map[Profile]string{0: "none", strange: "number 200", ProfileF32: ""} {
			for _, op := range productsIn(p) {
				var bufs []Buf
				for _, o := range op.Operands() {
					bufs = append(bufs, Buf{F: make([]float32, o.Len)})
				}
				for by, err := range map[string]error{"Run": cpu.Run(op, bufs), "Check": Check(op, bufs)} {
					if name == "" && err == nil {
						continue
					}
					if want := op.Name() + ": profile: unknown numeric profile " + name; !errors.Is(err, ErrProfile) || !strings.HasPrefix(err.Error(), want) {
						t.Errorf("%s: %v, want %s", by, err, want)
					}
				}
			}
		}
	})
}

// Bias gradients, norms and the like are chains of additions or sums of their own in every profile.
func TestOnlyProductsHaveAProfile(t *testing.T) {
	for _, op := range productsIn(ProfileF32) {
		if p, ok := ProfileOf(op); !ok || p != ProfileF32 {
			t.Errorf("%s: profile %v, %v", op.Name(), p, ok)
		}
	}
	for _, op := range []Operator{BiasAdd{}, BiasGrad{}, LayerNormGrad{}, RMSNormGrad{}, EmbeddingGrad{}, Softmax{}, Sum{}, SqDistance{}} {
		if _, ok := ProfileOf(op); ok {
			t.Errorf("%s has a profile", op.Name())
		}
	}
}

func TestTheGEMMOrderIsTheSameInGoAndInCUDA(t *testing.T) {
	text, err := os.ReadFile("product.cuh")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		"PRODUCT_CHUNK": ProfileF32.Chunk(), "PRODUCT_GROUP": ProfileF32.Group() / ProfileF32.Chunk(),
		"CHAIN_CHUNK": ChainChunk, "CHAIN_GROUP": ChainGroup / ChainChunk,
	} {
		if got := defined(t, string(text), name); got != want {
			t.Errorf("%s is %d, want %d", name, got, want)
		}
	}
}

// defined is the number that a header defines, by itself or by another one's name.
func defined(t *testing.T, header, name string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^#define ` + name + ` (\w+)$`).FindStringSubmatch(header)
	if m == nil {
		t.Fatalf("%s is not defined", name)
	}
	if n, err := strconv.Atoi(m[1]); err == nil {
		return n
	}
	return defined(t, header, m[1])
}
