// gelu.go: GELU and GELUGrad, contract.md sections 5.8 and 6.5. Floor: drn1_map's; with erf and its
// division-free exp about 70 operations an element, 2.5 ps, at the edge of the memory's limit.
#include "activation.cuh"

extern "C" __global__ void drn1_gelu(int n, const float *x, float *y) {
  drn1_map(n, x, y, [](float v) { return drn1_gelu_of(v); });
}

extern "C" __global__ void drn1_gelu_grad(int n, const float *x, const float *dy, float *dx) {
  drn1_map2(n, x, dy, dx, [](float v, float d) {
    float c = __fmul_rn(0.5f, __fadd_rn(1.0f, drn1_erf(__fmul_rn(v, 0x1.6a09e6p-1f))));
    float density = __fmul_rn(0x1.988454p-2f, drn1_exp(__fmul_rn(-0.5f, __fmul_rn(v, v))));
    return __fmul_rn(d, drn1_mad(v, density, c));
  });
}
