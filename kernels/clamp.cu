// clamp.go: Clamp and ClampGrad, contract.md section 6.7. Floor: drn1_map's.
#include "drn1.cuh"

extern "C" __global__ void drn1_clamp(int n, const float *x, float *y, float lo, float hi) {
  drn1_map(n, x, y, [=](float v) {
    v = v < lo ? lo : v;
    return v > hi ? hi : v;
  });
}

extern "C" __global__ void drn1_clamp_grad(int n, const float *x, const float *dy, float *dx, float lo, float hi) {
  drn1_map2(n, x, dy, dx, [=](float v, float d) { return v < lo || v > hi ? 0.0f : d; });
}
