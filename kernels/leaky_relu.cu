// leaky_relu.go: LeakyReLU and LeakyReLUGrad, contract.md section 6.10. Floor: drn1_map's.
#include "drn1.cuh"

extern "C" __global__ void drn1_leaky_relu(int n, const float *x, float *y, float slope) {
  drn1_map(n, x, y, [=](float v) { return v > 0.0f ? v : __fmul_rn(v, slope); });
}

extern "C" __global__ void drn1_leaky_relu_grad(int n, const float *x, const float *dy, float *dx, float slope) {
  drn1_map2(n, x, dy, dx, [=](float v, float d) { return v > 0.0f ? d : __fmul_rn(d, slope); });
}
