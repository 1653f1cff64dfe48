// conv2d_grad_input: conv2d_grad_input.go, contract.md section 2.4. An implicit product: rows are the input channels, columns the
// input pixels of all images, terms the taps (o,kh,kw). A pixel that no output saw under a tap meets +0.
// Floor: product.cuh's fma, 2*N*C*H*W*O*KH*KW operations, whatever the strides: with strides above 1 most terms are the +0 that the
// contract has there, and they cost as much as others.
#include "conv.cuh"

struct ConvOutputs {
  static constexpr bool Along = false;
  struct Row {
    int image, top, left; // the pixel's place among the padded ones
  };
  typedef Tap Term;
  ConvShape s;
  const float *dy;
  __device__ __forceinline__ Row row(int j) const {
    Pixel p = pixelOf(s, j, s.H, s.W);
    return {p.image * s.O * s.OutH * s.OutW, p.row + s.PadH, p.col + s.PadW};
  }
  __device__ __forceinline__ Term term(int k) const { return tapOf(s, k); }
  __device__ __forceinline__ float load(const Row &r, const Term &t) const {
    int down = r.top - t.kh, right = r.left - t.kw;
    if (down < 0 || right < 0) return 0.0f;
    int oh = s.down.quotient(down), ow = s.right.quotient(right);
    bool met = oh * s.StrideH == down && ow * s.StrideW == right && oh < s.OutH && ow < s.OutW;
    return met ? dy[r.image + (t.channel * s.OutH + oh) * s.OutW + ow] : 0.0f;
  }
};

// ConvTurned are the weights, taken by input channel: w[o,i,kh,kw] at i*window + k + o*(C-1)*window.
struct ConvTurned {
  static constexpr bool Along = true;
  typedef int Row;
  typedef int Term;
  ConvShape s;
  const float *w;
  __device__ __forceinline__ Row row(int i) const { return i * s.KH * s.KW; }
  __device__ __forceinline__ Term term(int k) const { return k + s.window.quotient(k) * (s.C - 1) * (s.KH * s.KW); }
  __device__ __forceinline__ float load(Row r, Term t) const { return w[r + t]; }
};

template <class T>
__device__ __forceinline__ void conv2dGradInput(const ConvShape &s, int split, const float *dy, const float *w, float *dx,
                                                typename T::Shared &shared) {
  int pixels = s.H * s.W;
  ConvTurned left = {s, w};
  ConvOutputs right = {s, dy};
  ImagePlace place = {s, s.C, pixels};
  product<T>(s.C, s.N * pixels, s.O * s.KH * s.KW, split, left, right, place, dx, s.N * s.C * pixels, shared);
}

extern "C" __global__ void __launch_bounds__(256, 2) drn1_conv2d_grad_input_large(CONV_SHAPE, int split, const float *__restrict__ dy, const float *__restrict__ w, float *__restrict__ dx) {
  __shared__ LargeTile::Shared shared;
  conv2dGradInput<LargeTile>(CONV_GIVEN, split, dy, w, dx, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_conv2d_grad_input_medium(CONV_SHAPE, int split, const float *__restrict__ dy, const float *__restrict__ w, float *__restrict__ dx) {
  __shared__ MediumTile::Shared shared;
  conv2dGradInput<MediumTile>(CONV_GIVEN, split, dy, w, dx, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_conv2d_grad_input_small(CONV_SHAPE, int split, const float *__restrict__ dy, const float *__restrict__ w, float *__restrict__ dx) {
  __shared__ SmallTile::Shared shared;
  conv2dGradInput<SmallTile>(CONV_GIVEN, split, dy, w, dx, shared);
}
