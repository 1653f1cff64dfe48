// silu.go: SiLU and SiLUGrad, contract.md sections 5.7 and 6.4. Floor: drn1_map's.
#include "activation.cuh"

extern "C" __global__ void drn1_silu(int n, const float *x, float *y) {
  drn1_map(n, x, y, [](float v) { return drn1_silu_of(v); });
}

extern "C" __global__ void drn1_silu_grad(int n, const float *x, const float *dy, float *dx) {
  drn1_map2(n, x, dy, dx, [](float v, float d) {
    float s = drn1_sigmoid(v);
    return __fmul_rn(d, __fmul_rn(s, drn1_mad(v, __fsub_rn(1.0f, s), 1.0f)));
  });
}
