// softplus.go: Softplus and SoftplusGrad, contract.md section 6.12. Floor: drn1_map's.
#include "drn1.cuh"

extern "C" __global__ void drn1_softplus(int n, const float *x, float *y) {
  drn1_map(n, x, y, [](float v) {
    float t = drn1_log(__fadd_rn(1.0f, drn1_exp(drn1_neg(drn1_abs(v)))));
    return v > 0.0f ? __fadd_rn(v, t) : t;
  });
}

extern "C" __global__ void drn1_softplus_grad(int n, const float *x, const float *dy, float *dx) {
  drn1_map2(n, x, dy, dx, [](float v, float d) { return __fmul_rn(d, drn1_sigmoid(v)); });
}
