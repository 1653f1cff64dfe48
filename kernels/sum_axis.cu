// sum_axis.go: SumAxis, contract.md section 2.5, where the axis is not the last one; where it is, bias_grad.cu's planes sum it. A chunk of
// 512 terms is a chain of additions, which one thread makes; drn1_product_fold (gemm.cu) adds up the chunks.
// Floor: 4 bytes an element of x.
#include "product.cuh"

// drn1_sum_axis: thread r of the grid's line sums chunk blockIdx.y of output r of n. Reads of neighbours are neighbours.
extern "C" __global__ void __launch_bounds__(128) drn1_sum_axis(int n, int size, int inner, const float *__restrict__ x, float *__restrict__ out) {
  int r = blockIdx.x * 128 + threadIdx.x, begin = blockIdx.y * CHAIN_CHUNK;
  if (r >= n) return;
  int end = drn1_min(begin + CHAIN_CHUNK, size), outer = (int)((unsigned)r / (unsigned)inner);
  x += outer * size * inner + (r - outer * inner);
  float p = 0.0f;
#pragma unroll 8
  for (int k = begin; k < end; k++) p = __fadd_rn(p, x[k * inner]);
  out[blockIdx.y * n + r] = __fadd_rn(0.0f, p);
}
