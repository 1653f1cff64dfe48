// tanh.go: Tanh and TanhGrad, contract.md sections 5.3 and 6.2. Floor: drn1_map's; a division and an
// exp make about 50 operations an element, 1.8 ps, below the memory's limit.
#include "drn1.cuh"

extern "C" __global__ void drn1_tanh_map(int n, const float *x, float *y) {
  drn1_map(n, x, y, [](float v) { return drn1_tanh(v); });
}

extern "C" __global__ void drn1_tanh_grad(int n, const float *y, const float *dy, float *dx) {
  drn1_map2(n, y, dy, dx, [](float v, float d) { return __fmul_rn(d, __fsub_rn(1.0f, __fmul_rn(v, v))); });
}
