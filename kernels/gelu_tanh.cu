// gelu_tanh.go: GELUTanh and GELUTanhGrad, contract.md sections 5.9 and 6.6. Floor: drn1_map's; about
// 65 operations an element forward, 2.3 ps, at the edge of the memory's limit.
#include "activation.cuh"

extern "C" __global__ void drn1_gelu_tanh(int n, const float *x, float *y) {
  drn1_map(n, x, y, [](float v) { return drn1_gelu_tanh_of(v); });
}

extern "C" __global__ void drn1_gelu_tanh_grad(int n, const float *x, const float *dy, float *dx) {
  drn1_map2(n, x, dy, dx, [](float v, float d) {
    float u = __fmul_rn(v, v);
    float t = drn1_tanh(drn1_gelu_tanh_inner(v, u));
    float s = __fmul_rn(__fmul_rn(0.5f, v), __fsub_rn(1.0f, __fmul_rn(t, t)));
    float w = __fmul_rn(0x1.988454p-1f, drn1_mad(u, 0x1.12ba9ep-3f, 1.0f));
    return __fmul_rn(d, drn1_mad(s, w, __fmul_rn(0.5f, __fadd_rn(1.0f, t))));
  });
}
