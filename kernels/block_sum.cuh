// The sum of each block of 65536 terms by a block of 128 threads, one for each lane of R128:
// contract.md section 3, defined by sum.go.
//
// Floor: 4 bytes a term and operand. A thread has 64 loads under way, 32 KiB a block, because the kernels
// are bounded to 128 threads and four blocks an SM: ptxas 12.9 then keeps all 64 in 75 registers
// (sm_90), and without that bound only 19. A single block takes eight round trips to the memory, about 6 us, and one block on each of 132 SMs has more under
// way than the 2.2 MB that 3.35 TB/s times 650 ns need. Expected: 85 % of copy bandwidth from 17
// million terms on.
#pragma once
#include "r128.cuh"

// drn1_block_sum is R128 of the terms f(i) of block blockIdx.x of n, in thread 0. lanes has room for
// 128 numbers.
template <class F>
__device__ __forceinline__ float drn1_block_sum(int n, float *lanes, F f) {
  int from = blockIdx.x * DRN1_BLOCK, to = drn1_min(n, from + DRN1_BLOCK), t = threadIdx.x;
  float l = 0.0f;
  for (; to - from >= 64 * 128; from += 64 * 128) {
    float v[64];
#pragma unroll
    for (int k = 0; k < 64; k++) v[k] = f(from + 128 * k + t);
#pragma unroll
    for (int k = 0; k < 64; k++) l = __fadd_rn(l, v[k]);
  }
#pragma unroll 8
  for (; to - from >= 128; from += 128) l = __fadd_rn(l, f(from + t));
  if (from + t < to) l = __fadd_rn(l, f(from + t));
  lanes[t] = l;
  __syncthreads();
  if (t >= 32) return 0.0f;
  float four[4] = {lanes[t], lanes[t + 32], lanes[t + 64], lanes[t + 96]};
  return drn1_fold(four);
}
