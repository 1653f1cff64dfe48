// The sum of each block of 65536 terms by a block of 128 threads, one for each lane of R128:
// contract.md section 3, defined by sum.go.
//
// Floor: 4 bytes a term and operand. A thread has 16 loads under way, 8 KiB a block and 2.2 MiB over
// 132 SMs with two blocks each, what 3.35 TB/s times 650 ns need: from 264 blocks on, 17 million
// terms, 85 % of the memory's rate; below, 65536 terms take about 20 us.
#pragma once
#include "r128.cuh"

// drn1_block_sum writes R128 of the terms f(i) of block blockIdx.x of n to partial[blockIdx.x].
// shared has room for 128 lanes.
template <class F>
__device__ __forceinline__ void drn1_block_sum(int n, float *shared, float *partial, F f) {
  int from = blockIdx.x * DRN1_BLOCK, to = drn1_min(n, from + DRN1_BLOCK), t = threadIdx.x;
  float l = 0.0f;
#pragma unroll 16
  for (; to - from >= 128; from += 128) l = __fadd_rn(l, f(from + t));
  if (from + t < to) l = __fadd_rn(l, f(from + t));
  shared[t] = l;
  __syncthreads();
  if (t >= 32) return;
  float lanes[4] = {shared[t], shared[t + 32], shared[t + 64], shared[t + 96]};
  float s = drn1_fold(lanes);
  if (t == 0) partial[blockIdx.x] = s;
}
