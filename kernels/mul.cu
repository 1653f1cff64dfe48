// mul.go: Mul, ChannelMul, Scale and ScaleBy, contract.md section 4.1. Floor: 12 bytes an element for mul, 8 for
// the others.
#include "drn1.cuh"

extern "C" __global__ void drn1_mul(int n, const float *a, const float *b, float *c) {
  drn1_map2(n, a, b, c, [](float v, float w) { return __fmul_rn(v, w); });
}

extern "C" __global__ void drn1_scale(int n, const float *x, float *y, float s) {
  drn1_map(n, x, y, [=](float v) { return __fmul_rn(v, s); });
}

extern "C" __global__ void drn1_scale_by(int n, const float *x, const float *s, float *y) {
  float factor = s[0];
  if (factor == 1.0f && x == y) return;
  drn1_map(n, x, y, [=](float v) { return __fmul_rn(v, factor); });
}

// x is N planes of channels by pixels: n elements in all.
extern "C" __global__ void drn1_channel_mul(int n, const float *x, const float *s, float *y, int channels, int pixels) {
  drn1_map_at(n, x, y, [=](float v, int i) {
    unsigned plane = pixels == 1 ? (unsigned)i : (unsigned)i / (unsigned)pixels;
    return __fmul_rn(v, s[plane % (unsigned)channels]);
  });
}
