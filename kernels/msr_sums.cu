// msr_sums: MSRSums in msr_sums.go, contract.md section 14.2. A thread sums for one player; the 32 of a word read the same words.
// Floor: the masks and utilities once for every 256 players, 6 operations a player and sample.
#include "wide.cuh"

extern "C" __global__ void __launch_bounds__(256) drn1_msr_sums(int samples, int players, const int *__restrict__ masks,
                                                                const int *__restrict__ utilities, int *__restrict__ sums,
                                                                int *__restrict__ counts) {
  int p = blockIdx.x * 256 + threadIdx.x, words = (players + 31) / 32;
  if (p >= players) return;
  drn1_wide sum = {0u, 0u};
  int count = 0;
  for (int s = 0; s < samples; s++) {
    if (((unsigned)masks[s * words + p / 32] >> (p % 32) & 1) == 0) continue;
    sum = drn1_wide_add(sum, drn1_wide_at(utilities, s));
    count++;
  }
  sums[2 * p] = (int)sum.low;
  sums[2 * p + 1] = (int)sum.high;
  counts[p] = count;
}
