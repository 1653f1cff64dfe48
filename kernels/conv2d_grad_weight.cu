// conv2d_grad_weight: conv2d_grad_weight.go, contract.md section 2.4. An implicit product: rows are the output channels, columns
// the taps (c,kh,kw), terms the output pixels (n,oh,ow) of all images. Outputs are few and terms many, so K is nearly always cut
// at 512 and folded from the workspace.
// Floor: product.cuh's fma, 2*N*O*OutH*OutW*C*KH*KW operations; the workspace is N*OutH*OutW/512 times the weights, written once
// and read once.
#include "conv.cuh"

// ConvGradients is dy by output channel: dy[n,i,p] at i*pixels + k + n*(O-1)*pixels.
struct ConvGradients {
  static constexpr bool Along = true;
  typedef int Row;
  typedef int Term;
  ConvShape s;
  const float *dy;
  __device__ __forceinline__ Row row(int i) const { return i * s.OutH * s.OutW; }
  __device__ __forceinline__ Term term(int k) const { return k + s.plane.quotient(k) * (s.O - 1) * (s.OutH * s.OutW); }
  __device__ __forceinline__ float load(Row r, Term t) const { return dy[r + t]; }
};

// ConvTaps are the pixels of x under a tap.
struct ConvTaps {
  static constexpr bool Along = true;
  struct Row {
    int channel, kh, kw; // of the tap, from the first pixel inside the border
  };
  struct Term {
    int image, ih, iw; // of tap (0,0)
  };
  ConvShape s;
  const float *x;
  __device__ __forceinline__ Row row(int j) const {
    Tap t = tapOf(s, j);
    return {t.channel * s.H * s.W, t.kh - s.PadH, t.kw - s.PadW};
  }
  __device__ __forceinline__ Term term(int k) const {
    Pixel p = pixelOf(s, k, s.OutH, s.OutW);
    return {p.image * s.C * s.H * s.W, p.row * s.StrideH, p.col * s.StrideW};
  }
  __device__ __forceinline__ float load(const Row &r, const Term &t) const {
    int ih = t.ih + r.kh, iw = t.iw + r.kw;
    bool in = ih >= 0 && ih < s.H && iw >= 0 && iw < s.W;
    return in ? x[r.channel + t.image + ih * s.W + iw] : 0.0f;
  }
};

struct WeightPlace {
  int taps;
  __device__ __forceinline__ int operator()(int i, int j) const { return i * taps + j; }
};

template <class T>
__device__ __forceinline__ void conv2dGradWeight(const ConvShape &s, int split, const float *x, const float *dy, float *dw,
                                                 typename T::Shared &shared) {
  int taps = s.C * s.KH * s.KW;
  ConvGradients left = {s, dy};
  ConvTaps right = {s, x};
  WeightPlace place = {taps};
  product<T>(s.O, taps, s.N * s.OutH * s.OutW, split, left, right, place, dw, s.O * taps, shared);
}

extern "C" __global__ void __launch_bounds__(256, 2) drn1_conv2d_grad_weight_large(CONV_SHAPE, int split, const float *__restrict__ x, const float *__restrict__ dy, float *__restrict__ dw) {
  __shared__ LargeTile::Shared shared;
  conv2dGradWeight<LargeTile>(CONV_GIVEN, split, x, dy, dw, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_conv2d_grad_weight_medium(CONV_SHAPE, int split, const float *__restrict__ x, const float *__restrict__ dy, float *__restrict__ dw) {
  __shared__ MediumTile::Shared shared;
  conv2dGradWeight<MediumTile>(CONV_GIVEN, split, x, dy, dw, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_conv2d_grad_weight_small(CONV_SHAPE, int split, const float *__restrict__ x, const float *__restrict__ dy, float *__restrict__ dw) {
  __shared__ SmallTile::Shared shared;
  conv2dGradWeight<SmallTile>(CONV_GIVEN, split, x, dy, dw, shared);
}
