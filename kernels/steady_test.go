package kernels

import "testing"

func TestElementwiseOperatorsWorkInPlace(t *testing.T) {
	const n = 40001
	rng := ints(1, 2, 3, 0)
	for _, op := range []Operator{
		ReLU{n}, GELU{n}, GELUTanh{n}, SiLU{n}, Tanh{n}, Sigmoid{n}, Scale{n, 3}, ScaleBy{n}, Copy{n},
		ReLUGrad{n}, GELUGrad{n}, GELUTanhGrad{n}, SiLUGrad{n}, TanhGrad{n}, SigmoidGrad{n}, Sub{n}, Shift{n, 3}, ChannelMul{1, n, 1}, ChannelMul{1, 1, n},
		Clamp{n, -1, 1}, ClampGrad{n, -1, 1}, HardSigmoid{n}, HardSigmoidGrad{n}, HardSwish{n}, HardSwishGrad{n}, LeakyReLU{n, 0.1}, LeakyReLUGrad{n, 0.1},
		ELU{n, 2}, ELUGrad{n, 2}, Softplus{n}, SoftplusGrad{n}, RowDropout{1, n, 0, 2, 1},
		Add{n}, Mul{n}, BiasAdd{1, n, 1}, BiasAdd{1, 1, n}, MSEGrad{n, 2},
		Dropout{n, 1 << 31, 2, 1}, Softmax{1, n}, SoftmaxGrad{1, n}, Rope{1, 1, n, 1, 0, false, false},
	} {
		operands := op.Operands()
		last := len(operands) - 1
		bufs := make([]Buf, len(operands))
		for i, o := range operands {
			bufs[i] = floats(fill(o.Len, uint64(i+1))...)
			if o.Kind == I32 {
				bufs[i] = rng
			}
		}
		run(t, op, bufs...)
		for i, o := range operands[:last] {
			if o.Len != n || o.Kind == I32 {
				continue
			}
			bufs[i] = floats(append([]float32(nil), bufs[i].F...)...)
			in := append([]Buf(nil), bufs...)
			in[last] = floats(append([]float32(nil), bufs[i].F...)...)
			in[i] = in[last]
			run(t, op, in...)
			same(t, op.Name()+" over "+o.Name, in[last].F, bufs[last].F)
		}
	}
}

func TestRunDoesNotAllocateOnceWarm(t *testing.T) {
	c, err := NewCPU(Options{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, op := range []Operator{
		GELU{N: 50000}, Sum{N: 200000}, LayerNorm{Rows: 9, Cols: 100}, LayerNormGrad{Rows: 600, Cols: 200},
		Embedding{Rows: 600, Vocab: 10, Dim: 70}, EmbeddingGrad{Rows: 600, Vocab: 10, Dim: 70},
		Attention{1, 2, 70, 8, true, ProfileF32}, AttentionGrad{1, 2, 70, 8, true, ProfileF32},
		SDPA{1, 4, 2, 70, 80, 8, true, true, 1, ProfileF32}, SDPAGrad{1, 4, 2, 70, 80, 8, false, true, 1, ProfileF32},
		Matmul{9, Gemm{M: 40, N: 50, K: 60, Profile: ProfileF32}}, Rope{2, 9, 2, 8, 4, false, false}, RopeTable{9, 0, NewFrequencies([]float32{1, 0.5})},
		CrossEntropy{Rows: 9, Classes: 10}, SGD{N: 100}, Adam{N: 100}, Dropout{N: 100},
		Permute{2000, 0, [6]int{1, 1, 1, 1, 40, 50}, [6]int{0, 0, 0, 0, 1, 40}}, Concat{40, 5, [8]int{3, 4}}, Spread{9, 10, 3, 1, 2, 4},
		BatchNorm{3, 20, 50, 1e-5}, BatchNormGrad{3, 20, 50}, BatchNormFrozen{3, 20, 50, 1e-5}, BatchNormFrozenGrad{3, 20, 50, 1e-5}, RunningUpdate{500, 0.9, 0.1},
		GroupNorm{3, 20, 50, 4, 1e-5}, GroupNormGrad{3, 20, 50, 4}, LSTMCell{5, 2, 1, 30}, LSTMCellGrad{5, 2, 1, 30},
		UpsampleNearest{UpsampleShape{9, 5, 6, 10, 11}}, UpsampleNearestGrad{UpsampleShape{9, 5, 6, 10, 11}},
		UpsampleBilinear{UpsampleShape{9, 5, 6, 10, 11}, false}, UpsampleBilinearGrad{UpsampleShape{9, 5, 6, 10, 11}, true},
		Conv2D{convShapes[9]}, Conv2DGradInput{convShapes[9]}, Conv2DGradWeight{convShapes[9]}, Conv2DGradInput{convShapes[10]}, Conv2DGradInput{convShapes[12]},
		SumAxis{3, 600, 70}, SumAxis{30, 600, 1}, RowDropout{Rows: 9, Cols: 10}, RandomCrop{N: 9, C: 3, H: 8, W: 8, OutH: 7, OutW: 8, Pad: 1}, RandomFlip{N: 9, C: 3, H: 4, W: 5},
	} {
		var bufs []Buf
		for _, o := range op.Operands() {
			if o.Kind == I32 {
				bufs = append(bufs, Buf{I: make([]int32, o.Len)})
			} else {
				bufs = append(bufs, zeros(o.Len))
			}
		}
		steady(t, c, op, bufs)
	}
}
