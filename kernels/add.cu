// add.go: Add, Sub, Shift and BiasAdd, contract.md section 4.1. Floor: 12 bytes an element for add and sub, 8 for
// shift and for bias_add, whose bias stays in the cache.
#include "drn1.cuh"

extern "C" __global__ void drn1_add(int n, const float *a, const float *b, float *c) {
  drn1_map2(n, a, b, c, [](float v, float w) { return __fadd_rn(v, w); });
}

// x is N planes of channels by pixels: n elements in all.
extern "C" __global__ void drn1_bias_add(int n, const float *x, const float *b, float *y, int channels, int pixels) {
  drn1_map_at(n, x, y, [=](float v, int i) {
    unsigned plane = pixels == 1 ? (unsigned)i : (unsigned)i / (unsigned)pixels;
    return __fadd_rn(v, b[plane % (unsigned)channels]);
  });
}

extern "C" __global__ void drn1_sub(int n, const float *a, const float *b, float *c) {
  drn1_map2(n, a, b, c, [](float v, float w) { return __fsub_rn(v, w); });
}

extern "C" __global__ void drn1_shift(int n, const float *x, float *y, float s) {
  drn1_map(n, x, y, [=](float v) { return __fadd_rn(v, s); });
}
