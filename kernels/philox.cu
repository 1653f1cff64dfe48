// philox.go: Uniform, contract.md section 8.2. Floor: 4 bytes an element; a thread makes the four
// elements of one Philox block, 30 operations each.
#include "philox.cuh"

extern "C" __global__ void drn1_uniform(int n, const int *rng, float *y, float low, float width, unsigned op) {
  int i = 4 * (blockIdx.x * 256 + threadIdx.x);
  if (i >= n) return;
  drn1_words r = drn1_philox(rng, op, (unsigned)i >> 2);
  float v[4];
#pragma unroll
  for (int k = 0; k < 4; k++) v[k] = drn1_mad(__fmul_rn(__uint2float_rn(r.w[k] >> 8), 0x1p-24f), width, low);
  if (i + 4 <= n && drn1_is_vector(y)) {
    *(float4 *)(y + i) = make_float4(v[0], v[1], v[2], v[3]);
    return;
  }
#pragma unroll
  for (int k = 0; k < 4; k++)
    if (i + k < n) y[i + k] = v[k];
}
