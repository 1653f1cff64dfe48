// hard_sigmoid.go: HardSigmoid and HardSigmoidGrad, contract.md section 6.8. Floor: drn1_map's.
#include "hard.cuh"

extern "C" __global__ void drn1_hard_sigmoid(int n, const float *x, float *y) {
  drn1_map(n, x, y, [](float v) { return __fmul_rn(drn1_zero_to_six(v), 0x1.555556p-3f); });
}

extern "C" __global__ void drn1_hard_sigmoid_grad(int n, const float *x, const float *dy, float *dx) {
  drn1_map2(n, x, dy, dx, [](float v, float d) { return v <= -3.0f || v >= 3.0f ? 0.0f : __fmul_rn(d, 0x1.555556p-3f); });
}
