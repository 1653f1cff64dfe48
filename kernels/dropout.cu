// dropout.go: Dropout, contract.md section 8.3. Floor: 8 bytes an element; a thread treats the four
// elements of one Philox block, 27 operations each, 1 ps against the memory's 2.4.
#include "philox.cuh"

extern "C" __global__ void drn1_dropout(int n, const float *x, const int *rng, float *y, unsigned threshold, float scale, unsigned op) {
  int i = 4 * (blockIdx.x * 256 + threadIdx.x);
  if (i >= n) return;
  drn1_words r = drn1_philox(rng, op, (unsigned)i >> 2);
  auto f = [=](float v, unsigned w) { return w >= threshold ? __fmul_rn(v, scale) : 0.0f; };
  if (i + 4 <= n && drn1_is_vector(x) && drn1_is_vector(y)) {
    float4 v = *(const float4 *)(x + i);
    *(float4 *)(y + i) = make_float4(f(v.x, r.w[0]), f(v.y, r.w[1]), f(v.z, r.w[2]), f(v.w, r.w[3]));
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; k++)
    if (i + k < n) y[i + k] = f(x[i + k], r.w[k]);
}
