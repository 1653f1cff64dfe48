// layernorm_grad.go and rmsnorm.go: LayerNormGrad and RMSNormGrad, contract.md sections 7.3 and 7.4.
//
// dx: one warp a row. Floor: 12 bytes an element; rows of at most 1024 are read once, as in softmax.cu.
// dgamma, dbeta: chains of 512 additions along the rows in the GEMM order. A block makes the sums of
// one chunk of rows for 32 columns: its eight warps turn tiles of 64 rows into terms in shared memory,
// then one warp adds up those of dgamma and one those of dbeta. A second kernel folds chunks and
// groups. Floor: 8 bytes an element; 512 additions from shared memory and their latency, 512*(23+4)
// cycles, are 8 us, so 8192 rows of 768 (384 blocks on 132 SMs, 50 MB, 15 us) are bound by the memory.
#include "product.cuh"
#include "row.cuh"

extern "C" __global__ void drn1_norm_grad(int rows, int cols, const float *__restrict__ x, const float *__restrict__ gamma, const float *__restrict__ mean,
                                          const float *__restrict__ rstd, const float *__restrict__ dy, float *__restrict__ dx, float inv, int centred) {
  int row = drn1_row();
  if (row >= rows) return;
  x += row * cols;
  dy += row * cols;
  dx += row * cols;
  float mu = centred ? mean[row] : 0.0f, rs = rstd[row];
  if (drn1_is_near(cols)) {
    float g[DRN1_NEAR], h[DRN1_NEAR];
    drn1_near_each(cols, [&](int k, int i) {
      g[k] = __fmul_rn(dy[i], gamma[i]);
      h[k] = __fmul_rn(__fsub_rn(x[i], mu), rs);
    });
    float c1 = 0.0f;
    if (centred) c1 = __fmul_rn(drn1_near_sum(cols, [&](int k, int) { return g[k]; }), inv);
    float c2 = __fmul_rn(drn1_near_sum(cols, [&](int k, int) { return __fmul_rn(g[k], h[k]); }), inv);
    drn1_near_each(cols, [&](int k, int i) { dx[i] = __fmul_rn(rs, __fsub_rn(__fsub_rn(g[k], c1), __fmul_rn(h[k], c2))); });
    return;
  }
  float c[2];
  drn1_sums<2>(cols, c, [=](int i, float *terms) {
    float g = __fmul_rn(dy[i], gamma[i]);
    terms[0] = g;
    terms[1] = __fmul_rn(g, __fmul_rn(__fsub_rn(x[i], mu), rs));
  });
  float c1 = centred ? __fmul_rn(c[0], inv) : 0.0f, c2 = __fmul_rn(c[1], inv);
#pragma unroll 4
  for (int i = drn1_lane(); i < cols; i += 32) {
    float g = __fmul_rn(dy[i], gamma[i]), h = __fmul_rn(__fsub_rn(x[i], mu), rs);
    dx[i] = __fmul_rn(rs, __fsub_rn(__fsub_rn(g, c1), __fmul_rn(h, c2)));
  }
}

// One block for the 32 columns of blockIdx.x and the 512 rows of blockIdx.y. chunks is
// [2][number of chunks][cols]: the chunk sums of dgamma, then those of dbeta.
extern "C" __global__ void drn1_norm_grad_chunks(int rows, int cols, const float *__restrict__ x, const float *__restrict__ mean,
                                                 const float *__restrict__ rstd, const float *__restrict__ dy, float *__restrict__ chunks, int centred) {
  __shared__ float terms[2][64][32];
  int t = threadIdx.x & 31, warp = threadIdx.x >> 5, col = blockIdx.x * 32 + t;
  int first = blockIdx.y * CHAIN_CHUNK, end = drn1_min(rows, first + CHAIN_CHUNK);
  float sum = 0.0f;
  for (int top = first; top < end; top += 64) {
#pragma unroll
    for (int k = 0; k < 8; k++) {
      int row = top + warp + 8 * k;
      if (row >= end || col >= cols) continue;
      float d = dy[row * cols + col], v = x[row * cols + col];
      float h = __fmul_rn(__fsub_rn(v, centred ? mean[row] : 0.0f), rstd[row]);
      terms[0][warp + 8 * k][t] = __fmul_rn(d, h);
      terms[1][warp + 8 * k][t] = d;
    }
    __syncthreads();
    if (warp < 2) {
      int n = drn1_min(64, end - top);
#pragma unroll 16
      for (int k = 0; k < n; k++) sum = __fadd_rn(sum, terms[warp][k][t]);
    }
    __syncthreads();
  }
  if (warp < 2 && col < cols) chunks[(warp * gridDim.y + blockIdx.y) * cols + col] = sum;
}

// One thread a column: y is the sum over the groups of 16 chunks of the sums of their chunks.
extern "C" __global__ void drn1_column_fold(int count, int cols, const float *__restrict__ chunks, float *__restrict__ y) {
  int col = blockIdx.x * 128 + threadIdx.x;
  if (col >= cols) return;
  float total = 0.0f;
  for (int first = 0; first < count; first += CHAIN_GROUP) {
    float group = 0.0f;
    int end = drn1_min(count, first + CHAIN_GROUP);
#pragma unroll 16
    for (int c = first; c < end; c++) group = __fadd_rn(group, chunks[c * cols + col]);
    total = __fadd_rn(total, group);
  }
  y[col] = total;
}
