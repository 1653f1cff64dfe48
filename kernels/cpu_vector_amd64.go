package kernels

import "github.com/verifyd/verifyd/kernels/internal/asm"

// accelerate replaces the loops that v's instruction set has in assembly, which are all of them.
func accelerate(v *vector) {
	switch v.isa {
	case AVX2:
		v.useAVX2()
	case AVX512:
		v.useAVX512()
	}
}

func (v *vector) useAVX2() {
	v.relu, v.reluGrad = asm.ReluAVX2, asm.ReluGradAVX2
	v.tanh, v.tanhGrad = asm.TanhAVX2, asm.TanhGradAVX2
	v.sigmoid, v.sigmoidGrad = asm.SigmoidAVX2, asm.SigmoidGradAVX2
	v.silu, v.siluGrad = asm.SiluAVX2, asm.SiluGradAVX2
	v.gelu, v.geluGrad = asm.GeluAVX2, asm.GeluGradAVX2
	v.geluTanh, v.geluTanhGrad = asm.GeluTanhAVX2, asm.GeluTanhGradAVX2
	v.clamp, v.clampGrad = asm.ClampAVX2, asm.ClampGradAVX2
	v.hardSigmoid, v.hardSigmoidGrad = asm.HardSigmoidAVX2, asm.HardSigmoidGradAVX2
	v.hardSwish, v.hardSwishGrad = asm.HardSwishAVX2, asm.HardSwishGradAVX2
	v.leakyReLU, v.leakyReLUGrad = asm.LeakyReLUAVX2, asm.LeakyReLUGradAVX2
	v.elu, v.eluGrad = asm.EluAVX2, asm.EluGradAVX2
	v.softplus, v.softplusGrad = asm.SoftplusAVX2, asm.SoftplusGradAVX2
	v.sub = asm.SubAVX2
	v.add, v.mul, v.scale, v.addScalar, v.addRows = asm.AddAVX2, asm.MulAVX2, asm.ScaleAVX2, asm.AddScalarAVX2, asm.AddRowsAVX2
	v.subScale, v.dropout = asm.SubScaleAVX2, asm.DropoutAVX2
	v.maxPool2 = asm.MaxPool2AVX2
	v.foldRows, v.foldColumns = asm.FoldRowsAVX2, asm.FoldColumnsAVX2
	v.max, v.sum, v.sumSquares, v.sumProducts = asm.MaxAVX2, asm.SumAVX2, asm.SumSquaresAVX2, asm.SumProductsAVX2
	v.sumDifferences, v.sumDeviations = asm.SumDifferencesAVX2, asm.SumDeviationsAVX2
	v.sumExp, v.expSum = asm.SumExpAVX2, asm.ExpSumAVX2
	v.expScale, v.softmaxGrad = asm.ExpScaleAVX2, asm.SoftmaxGradAVX2
	v.layerNorm, v.rmsNorm = asm.LayerNormAVX2, asm.RmsNormAVX2
	v.normGradSums, v.normGrad, v.normParams = asm.NormGradSumsAVX2, asm.NormGradAVX2, asm.NormParamsAVX2
	v.sgd, v.sgdMomentum, v.adam, v.adamW = asm.SgdAVX2, asm.SgdMomentumAVX2, asm.AdamAVX2, asm.AdamWAVX2
}

func (v *vector) useAVX512() {
	v.relu, v.reluGrad = asm.ReluAVX512, asm.ReluGradAVX512
	v.tanh, v.tanhGrad = asm.TanhAVX512, asm.TanhGradAVX512
	v.sigmoid, v.sigmoidGrad = asm.SigmoidAVX512, asm.SigmoidGradAVX512
	v.silu, v.siluGrad = asm.SiluAVX512, asm.SiluGradAVX512
	v.gelu, v.geluGrad = asm.GeluAVX512, asm.GeluGradAVX512
	v.geluTanh, v.geluTanhGrad = asm.GeluTanhAVX512, asm.GeluTanhGradAVX512
	v.clamp, v.clampGrad = asm.ClampAVX512, asm.ClampGradAVX512
	v.hardSigmoid, v.hardSigmoidGrad = asm.HardSigmoidAVX512, asm.HardSigmoidGradAVX512
	v.hardSwish, v.hardSwishGrad = asm.HardSwishAVX512, asm.HardSwishGradAVX512
	v.leakyReLU, v.leakyReLUGrad = asm.LeakyReLUAVX512, asm.LeakyReLUGradAVX512
	v.elu, v.eluGrad = asm.EluAVX512, asm.EluGradAVX512
	v.softplus, v.softplusGrad = asm.SoftplusAVX512, asm.SoftplusGradAVX512
	v.sub = asm.SubAVX512
	v.add, v.mul, v.scale, v.addScalar, v.addRows = asm.AddAVX512, asm.MulAVX512, asm.ScaleAVX512, asm.AddScalarAVX512, asm.AddRowsAVX512
	v.subScale, v.dropout = asm.SubScaleAVX512, asm.DropoutAVX512
	v.maxPool2 = asm.MaxPool2AVX512
	v.foldRows, v.foldColumns = asm.FoldRowsAVX512, asm.FoldColumnsAVX512
	v.max, v.sum, v.sumSquares, v.sumProducts = asm.MaxAVX512, asm.SumAVX512, asm.SumSquaresAVX512, asm.SumProductsAVX512
	v.sumDifferences, v.sumDeviations = asm.SumDifferencesAVX512, asm.SumDeviationsAVX512
	v.sumExp, v.expSum = asm.SumExpAVX512, asm.ExpSumAVX512
	v.expScale, v.softmaxGrad = asm.ExpScaleAVX512, asm.SoftmaxGradAVX512
	v.layerNorm, v.rmsNorm = asm.LayerNormAVX512, asm.RmsNormAVX512
	v.normGradSums, v.normGrad, v.normParams = asm.NormGradSumsAVX512, asm.NormGradAVX512, asm.NormParamsAVX512
	v.sgd, v.sgdMomentum, v.adam, v.adamW = asm.SgdAVX512, asm.SgdMomentumAVX512, asm.AdamAVX512, asm.AdamWAVX512
}
