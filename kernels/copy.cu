// copy.go: Copy and Zero, contract.md section 4.1. Floor: 8 bytes an element for copy, 4 for zero.
#include "drn1.cuh"

extern "C" __global__ void drn1_copy(int n, const float *x, float *y) {
  drn1_map(n, x, y, [](float v) { return v; });
}

extern "C" __global__ void drn1_zero(int n, float *y) {
  int base = blockIdx.x * 1024, t = threadIdx.x;
  if (base + 1024 <= n && drn1_is_vector(y)) {
    ((float4 *)(y + base))[t] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    return;
  }
  for (int i = base + t; i < n && i < base + 1024; i += 256) y[i] = 0.0f;
}
