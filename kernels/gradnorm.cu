// gradnorm.go: GradNorm, contract.md section 9.1. One warp; a few microseconds, the launch itself.
#include "r128.cuh"

extern "C" __global__ void drn1_grad_norm(int tensors, const float *sums, float *norm, float *coef, float most) {
  float n = __fsqrt_rn(drn1_sum(tensors, [=](int i) { return sums[i]; }));
  if (drn1_lane() != 0) return;
  float c = 1.0f;
  if (most > 0.0f) {
    float q = __fdiv_rn(most, __fadd_rn(n, 0x1.0c6f7ap-20f));
    if (!(q >= 1.0f)) c = q; // NaN stays NaN
  }
  *norm = n;
  *coef = c;
}
