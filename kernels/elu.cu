// elu.go: ELU and ELUGrad, contract.md section 6.11. Floor: drn1_map's.
#include "drn1.cuh"

extern "C" __global__ void drn1_elu(int n, const float *x, float *y, float alpha) {
  drn1_map(n, x, y, [=](float v) { return v > 0.0f ? v : __fmul_rn(__fsub_rn(drn1_exp(v), 1.0f), alpha); });
}

extern "C" __global__ void drn1_elu_grad(int n, const float *x, const float *dy, float *dx, float alpha) {
  drn1_map2(n, x, dy, dx, [=](float v, float d) { return v > 0.0f ? d : __fmul_rn(d, __fmul_rn(drn1_exp(v), alpha)); });
}
