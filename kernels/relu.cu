// relu.go: ReLU and ReLUGrad, contract.md section 6.1. Floor: drn1_map's.
#include "activation.cuh"

extern "C" __global__ void drn1_relu(int n, const float *x, float *y) {
  drn1_map(n, x, y, [](float v) { return drn1_relu_of(v); });
}

extern "C" __global__ void drn1_relu_grad(int n, const float *x, const float *dy, float *dx) {
  drn1_map2(n, x, dy, dx, [](float v, float d) { return v <= 0.0f ? 0.0f : d; });
}
