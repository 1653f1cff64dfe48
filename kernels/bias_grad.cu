// bias_grad: bias_grad.go, contract.md section 2.5. A chunk of 512 terms of one channel is a chain of additions, which one thread
// makes; drn1_product_fold (gemm.cu) adds up the chunks.
// Floor: 4 bytes an element of dy, memory's bandwidth; a chain of 512 additions takes 2048 cycles, hidden from about 30,000 chains on.
#include "product.cuh"

// drn1_bias_grad_columns is P = 1: thread c of block (x,y) sums chunk y of channel 128*x+c. Reads of neighbours are neighbours.
extern "C" __global__ void __launch_bounds__(128) drn1_bias_grad_columns(int C, int terms, const float *__restrict__ dy, float *__restrict__ out) {
  int c = blockIdx.x * 128 + threadIdx.x, begin = blockIdx.y * CHAIN_CHUNK;
  if (c >= C) return;
  int end = drn1_min(begin + CHAIN_CHUNK, terms);
  float p = 0.0f;
#pragma unroll 8
  for (int k = begin; k < end; k++) p = __fadd_rn(p, dy[k * C + c]);
  out[blockIdx.y * C + c] = __fadd_rn(0.0f, p);
}

// drn1_bias_grad_planes sums 32 of the chunks*C chains, chain r being chunk r/C of channel r%C. A warp reads 32 neighbouring terms of
// each chain in turn and hands them to the chain's thread through shared memory.
extern "C" __global__ void __launch_bounds__(32) drn1_bias_grad_planes(int C, int P, int planeMagic, int planeShift, int terms, int chains,
                                                                      const float *__restrict__ dy, float *__restrict__ out) {
  __shared__ float x[32][33];
  Divisor plane = {(unsigned)planeMagic, (unsigned)planeShift};
  int lane = threadIdx.x, first = blockIdx.x * 32;
  float p = 0.0f;
  for (int step = 0; step < CHAIN_CHUNK; step += 32) {
    int chunk = first / C, c = first - chunk * C;
    for (int i = 0; i < 32; i++) {
      int k = chunk * CHAIN_CHUNK + step + lane, n = plane.quotient(k);
      x[i][lane] = k < terms && first + i < chains ? dy[(n * C + c) * P + (k - n * P)] : 0.0f;
      if (++c == C) {
        c = 0;
        chunk++;
      }
    }
    __syncthreads();
    for (int j = 0; j < 32; j++) p = __fadd_rn(p, x[lane][j]);
    __syncthreads();
  }
  if (first + lane < chains) out[first + lane] = __fadd_rn(0.0f, p);
}
