// coalition_sum: CoalitionSum in coalition_sum.go, contract.md section 14.1. A thread sums one element of eight coalitions, so that
// a term is read once for all of them. Floor: 4 bytes an element of the terms for every eight coalitions and
// of y; 2 operations for each member and element.
#include "drn1.cuh"

extern "C" __global__ void __launch_bounds__(256) drn1_coalition_sum(int coalitions, int players, int n, const int *__restrict__ masks,
                                                                     const float *__restrict__ weights, const float *__restrict__ base,
                                                                     const float *__restrict__ terms, float *__restrict__ y) {
  int e = blockIdx.x * 256 + threadIdx.x, first = blockIdx.y * 8, words = (players + 31) / 32;
  if (e >= n) return;
  float sum[8], start = base[e];
#pragma unroll
  for (int k = 0; k < 8; k++) sum[k] = start;
  for (int p = 0; p < players; p++) {
    float term = __fmul_rn(weights[p], terms[p * n + e]);
#pragma unroll
    for (int k = 0; k < 8; k++) {
      int c = drn1_min(first + k, coalitions - 1);
      if ((unsigned)masks[c * words + p / 32] >> (p % 32) & 1) sum[k] = __fadd_rn(sum[k], term);
    }
  }
#pragma unroll
  for (int k = 0; k < 8; k++)
    if (first + k < coalitions) y[(first + k) * n + e] = sum[k];
}
