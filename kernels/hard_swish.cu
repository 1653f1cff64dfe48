// hard_swish.go: HardSwish and HardSwishGrad, contract.md section 6.9. Floor: drn1_map's.
#include "hard.cuh"

extern "C" __global__ void drn1_hard_swish(int n, const float *x, float *y) {
  drn1_map(n, x, y, [](float v) { return __fmul_rn(__fmul_rn(v, drn1_zero_to_six(v)), 0x1.555556p-3f); });
}

extern "C" __global__ void drn1_hard_swish_grad(int n, const float *x, const float *dy, float *dx) {
  drn1_map2(n, x, dy, dx, [](float v, float d) {
    float between = __fmul_rn(d, drn1_mad(v, 0x1.555556p-2f, 0.5f));
    return v <= -3.0f ? 0.0f : v >= 3.0f ? d : between;
  });
}
