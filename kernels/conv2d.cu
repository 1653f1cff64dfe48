// conv2d: conv2d.go, contract.md section 2.4. An implicit product: rows are the output channels, columns the output pixels of all
// images, terms the taps (c,kh,kw). The pixels are gathered where the product wants them; no matrix of patches is stored.
// Floor: product.cuh's fma, 2*N*O*OutH*OutW*C*KH*KW operations; two quotients for each element gathered are about a tenth of
// the fma of the large tile. Below 32 channels the memory is the floor, (x + y)*4 bytes.
#include "conv.cuh"

struct ConvPixels {
  static constexpr bool Along = false;
  struct Row {
    int image, ih, iw; // of tap (0,0)
  };
  typedef Tap Term;
  ConvShape s;
  const float *x;
  __device__ __forceinline__ Row row(int j) const {
    Pixel p = pixelOf(s, j, s.OutH, s.OutW);
    return {p.image * s.C * s.H * s.W, p.row * s.StrideH - s.PadH, p.col * s.StrideW - s.PadW};
  }
  __device__ __forceinline__ Term term(int k) const { return tapOf(s, k); }
  __device__ __forceinline__ float load(const Row &r, const Term &t) const {
    int ih = r.ih + t.kh, iw = r.iw + t.kw;
    bool in = ih >= 0 && ih < s.H && iw >= 0 && iw < s.W;
    return in ? x[r.image + (t.channel * s.H + ih) * s.W + iw] : 0.0f;
  }
};

template <class T>
__device__ __forceinline__ void conv2d(const ConvShape &s, int split, const float *x, const float *w, float *y,
                                       typename T::Shared &shared) {
  int taps = s.C * s.KH * s.KW, pixels = s.OutH * s.OutW;
  Dense<false> left = {w, taps};
  ConvPixels right = {s, x};
  ImagePlace place = {s, s.O, pixels};
  product<T>(s.O, s.N * pixels, taps, split, left, right, place, y, s.N * s.O * pixels, shared);
}

extern "C" __global__ void __launch_bounds__(256, 2) drn1_conv2d_large(CONV_SHAPE, int split, const float *__restrict__ x, const float *__restrict__ w, float *__restrict__ y) {
  __shared__ LargeTile::Shared shared;
  conv2d<LargeTile>(CONV_GIVEN, split, x, w, y, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_conv2d_medium(CONV_SHAPE, int split, const float *__restrict__ x, const float *__restrict__ w, float *__restrict__ y) {
  __shared__ MediumTile::Shared shared;
  conv2d<MediumTile>(CONV_GIVEN, split, x, w, y, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_conv2d_small(CONV_SHAPE, int split, const float *__restrict__ x, const float *__restrict__ w, float *__restrict__ y) {
  __shared__ SmallTile::Shared shared;
  conv2d<SmallTile>(CONV_GIVEN, split, x, w, y, shared);
}
