// sigmoid.go: Sigmoid and SigmoidGrad, contract.md sections 5.6 and 6.3. Floor: drn1_map's.
#include "drn1.cuh"

extern "C" __global__ void drn1_sigmoid_map(int n, const float *x, float *y) {
  drn1_map(n, x, y, [](float v) { return drn1_sigmoid(v); });
}

extern "C" __global__ void drn1_sigmoid_grad(int n, const float *y, const float *dy, float *dx) {
  drn1_map2(n, y, dy, dx, [](float v, float d) { return __fmul_rn(d, __fmul_rn(v, __fsub_rn(1.0f, v))); });
}
