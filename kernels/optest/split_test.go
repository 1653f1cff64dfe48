package optest

import (
	"fmt"
	"testing"

	"github.com/verifyd/verifyd/kernels"
)

// split is an operator whose first dimension is a batch: whole runs it at once, and part runs n of
// its members. Operands with batched[i] are cut, the others are given whole.
type split struct {
	whole   kernels.Operator
	part    func(n int) kernels.Operator
	members int
	batched []bool
}

func splits() []split {
	return []split{
		{kernels.Gemm{M: 33, N: 47, K: 600, Profile: kernels.ProfileF32}, func(n int) kernels.Operator { return kernels.Gemm{M: n, N: 47, K: 600, Profile: kernels.ProfileF32} },
			33, []bool{true, false, true}},
		{kernels.Gemm{M: 33, N: 47, K: 600, TransB: true, Profile: kernels.ProfileF32}, func(n int) kernels.Operator {
			return kernels.Gemm{M: n, N: 47, K: 600, TransB: true, Profile: kernels.ProfileF32}
		},
			33, []bool{true, false, true}},
		{kernels.Conv2D{ConvShape: batchOf(5)}, func(n int) kernels.Operator { return kernels.Conv2D{ConvShape: batchOf(n)} },
			5, []bool{true, false, true}},
		{kernels.Conv2DGradInput{ConvShape: batchOf(5)}, func(n int) kernels.Operator { return kernels.Conv2DGradInput{ConvShape: batchOf(n)} },
			5, []bool{true, false, true}},
		{kernels.Conv2D{ConvShape: deepOf(5)}, func(n int) kernels.Operator { return kernels.Conv2D{ConvShape: deepOf(n)} },
			5, []bool{true, false, true}},
		{kernels.Conv2DGradInput{ConvShape: deepOf(5)}, func(n int) kernels.Operator { return kernels.Conv2DGradInput{ConvShape: deepOf(n)} },
			5, []bool{true, false, true}},
		{kernels.GroupNorm{N: 9, C: 6, P: 31, Groups: 3, Eps: 1e-5}, func(n int) kernels.Operator { return kernels.GroupNorm{N: n, C: 6, P: 31, Groups: 3, Eps: 1e-5} },
			9, []bool{true, false, false, true, true, true}},
		{kernels.BatchNormFrozen{N: 9, C: 6, P: 31, Eps: 1e-5}, func(n int) kernels.Operator { return kernels.BatchNormFrozen{N: n, C: 6, P: 31, Eps: 1e-5} },
			9, []bool{true, false, false, false, false, true}},
		{kernels.BiasAdd{N: 9, C: 37, P: 3}, func(n int) kernels.Operator { return kernels.BiasAdd{N: n, C: 37, P: 3} },
			9, []bool{true, false, true}},
		{kernels.Softmax{Rows: 9, Cols: 133}, func(n int) kernels.Operator { return kernels.Softmax{Rows: n, Cols: 133} },
			9, []bool{true, true}},
		{kernels.LayerNorm{Rows: 9, Cols: 133, Eps: 1e-5}, func(n int) kernels.Operator { return kernels.LayerNorm{Rows: n, Cols: 133, Eps: 1e-5} },
			9, []bool{true, false, false, true, true, true}},
		{kernels.RMSNorm{Rows: 9, Cols: 133, Eps: 1e-5}, func(n int) kernels.Operator { return kernels.RMSNorm{Rows: n, Cols: 133, Eps: 1e-5} },
			9, []bool{true, false, true, true}},
		{kernels.Attention{Batch: 5, Heads: 2, Seq: 37, HeadDim: 9, Causal: true, Profile: kernels.ProfileF32},
			func(n int) kernels.Operator {
				return kernels.Attention{Batch: n, Heads: 2, Seq: 37, HeadDim: 9, Causal: true, Profile: kernels.ProfileF32}
			}, 5, []bool{true, true, true, true}},
		{kernels.AttentionGrad{Batch: 5, Heads: 2, Seq: 37, HeadDim: 9, Causal: true, Profile: kernels.ProfileF32},
			func(n int) kernels.Operator {
				return kernels.AttentionGrad{Batch: n, Heads: 2, Seq: 37, HeadDim: 9, Causal: true, Profile: kernels.ProfileF32}
			}, 5, []bool{true, true, true, true, true, true}},
		{sdpaOf(5), func(n int) kernels.Operator { return sdpaOf(n) }, 5, []bool{true, true, true, true, true, true}},
		{kernels.SDPAGrad(sdpaOf(5)), func(n int) kernels.Operator { return kernels.SDPAGrad(sdpaOf(n)) },
			5, []bool{true, true, true, true, true, true, true, true, true, true}},
		{matmulOf(40), func(n int) kernels.Operator { return matmulOf(n) }, 40, []bool{true, true, true}},
		{ropeOf(5), func(n int) kernels.Operator { return ropeOf(n) }, 5, []bool{true, false, false, true}},
		{kernels.GELU{N: 1003}, func(n int) kernels.Operator { return kernels.GELU{N: n} }, 1003, []bool{true, true}},
	}
}

func deepOf(n int) kernels.ConvShape {
	return kernels.ConvShape{N: n, C: 21, H: 9, W: 8, O: 21, KH: 3, KW: 3, StrideH: 2, StrideW: 1, PadH: 1, PadW: 1, Groups: 21, Profile: kernels.ProfileF32}
}

func sdpaOf(n int) kernels.SDPA {
	return kernels.SDPA{Batch: n, Heads: 4, KVHeads: 2, Queries: 37, Keys: 70, HeadDim: 9, Scale: 0.4, Profile: kernels.ProfileF32}
}

func matmulOf(n int) kernels.Matmul {
	return kernels.Matmul{Batch: n, Each: kernels.Gemm{M: 33, N: 17, K: 60, TransB: true, Profile: kernels.ProfileF32}}
}

func ropeOf(n int) kernels.Rope {
	return kernels.Rope{Batch: n, Positions: 9, Heads: 3, HeadDim: 8, Pairs: 3}
}

func batchOf(n int) kernels.ConvShape {
	return kernels.ConvShape{N: n, C: 61, H: 7, W: 6, O: 19, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, Profile: kernels.ProfileF32}
}

func TestTheSplitOfABatchNeverShows(t *testing.T) {
	for _, b := range machines(t, 2) {
		for _, s := range splits() {
			t.Run(fmt.Sprint(b.Name(), " ", Case{Op: s.whole}), func(t *testing.T) {
				r := source(1)
				whole, parts := s.draw(&r), s.draw(&r)
				for i := range parts {
					copy(parts[i].F, whole[i].F)
				}
				if err := b.Run(s.whole, whole); err != nil {
					t.Fatal(err)
				}
				for from := 0; from < s.members; {
					n := r.between(1, min(4, s.members-from))
					if s.members > 100 {
						n = r.between(1, min(99, s.members-from))
					}
					if err := b.Run(s.part(n), s.cut(parts, from, n)); err != nil {
						t.Fatal(err)
					}
					from += n
				}
				for i, o := range s.whole.Operands() {
					if err := compare(parts[i], whole[i]); err != nil {
						t.Errorf("operand %q: %v", o.Name, err)
					}
				}
			})
		}
	}
}

// draw fills buffers of the whole operator.
func (s split) draw(r *source) []kernels.Buf {
	var bufs []kernels.Buf
	for _, o := range s.whole.Operands() {
		b := kernels.Buf{F: make([]float32, o.Len)}
		r.floats(b.F, Normal)
		bufs = append(bufs, b)
	}
	return bufs
}

// cut is members from to from+n of bufs.
func (s split) cut(bufs []kernels.Buf, from, n int) []kernels.Buf {
	var part []kernels.Buf
	for i, b := range bufs {
		if s.batched[i] {
			size := len(b.F) / s.members
			b.F = b.F[from*size : (from+n)*size]
		}
		part = append(part, b)
	}
	return part
}

// A term with a zero factor may stand anywhere: this is what padding, masks and one-hot rows rely on.
func TestZeroTermsNeverShowInAProduct(t *testing.T) {
	const m, n, k = 9, 33, 700
	for _, b := range machines(t, 1) {
		for _, class := range []Class{Normal, SignedZeros, Subnormals, Wide, Ties} {
			for _, pad := range []int{1, 7, 324, 512, 8000} {
				r := source(uint64(pad)<<8 | uint64(class))
				x, y, want := make([]float32, m*k), make([]float32, k*n), make([]float32, m*n)
				r.floats(x, class)
				r.floats(y, class)
				if err := b.Run(kernels.Gemm{M: m, N: n, K: k, Profile: kernels.ProfileF32}, []kernels.Buf{{F: x}, {F: y}, {F: want}}); err != nil {
					t.Fatal(err)
				}
				// A is padded with zeros of either sign, B with ordinary numbers.
				wide := k + pad
				px, py, got := make([]float32, m*wide), make([]float32, wide*n), make([]float32, m*n)
				r.floats(px, SignedZeros)
				for i := range px {
					px[i] *= 0
				}
				r.floats(py, Normal)
				for i := range m {
					copy(px[i*wide:], x[i*k:(i+1)*k])
				}
				copy(py, y)
				if err := b.Run(kernels.Gemm{M: m, N: n, K: wide, Profile: kernels.ProfileF32}, []kernels.Buf{{F: px}, {F: py}, {F: got}}); err != nil {
					t.Fatal(err)
				}
				if err := compare(kernels.Buf{F: got}, kernels.Buf{F: want}); err != nil {
					t.Errorf("%s: %v data, %d zero terms: %v", b.Name(), class, pad, err)
				}
			}
		}
	}
}
