// attention_grad: attention_grad.go, contract.md section 7.2. Three launches: D of each query; dQ, a block for 64 queries over
// the keys; dK and dV, a block for 64 keys over the queries. The weights are computed again in both, nothing of them is stored.
// Floor: fma, 3 + 4 times 2*D operations for each query and key that is weighed (5 if the weights were stored), and two exp; shared memory
// halves fma's peak as in attention.cu. Expected: 40 %. ptxas 12.9, sm_90: 128 registers for the queries, 205 for the keys (one block a
// multiprocessor), no spills. Heads wider than 64 compute the weights again for each 64 columns.
#include "attention.cuh"

// drn1_attention_grad_rows sets d[row] to R128 of do*o, one warp a query.
extern "C" __global__ void __launch_bounds__(256) drn1_attention_grad_rows(int rows, int heads, int seq, int depth, const float *__restrict__ o,
                                                                           const float *__restrict__ dout, float *__restrict__ d) {
  int row = blockIdx.x * 8 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (row >= rows) return;
  int head = row / seq, i = row - head * seq;
  int at = (((head / heads) * seq + i) * heads + head % heads) * depth;
  float a[4] = {0.0f, 0.0f, 0.0f, 0.0f}; // lanes 4*lane and on of r128.go
  for (int j = 0; j < depth; j += 128)
#pragma unroll
    for (int u = 0; u < 4; u++) {
      int e = j + 4 * lane + u;
      if (e < depth) a[u] = __fadd_rn(a[u], __fmul_rn(dout[at + e], o[at + e]));
    }
#pragma unroll
  for (int u = 0; u < 4; u++)
    for (int h = 16; h >= 1; h >>= 1) a[u] = __fadd_rn(a[u], __shfl_xor_sync(0xffffffffu, a[u], h));
  if (lane == 0) d[row] = __fadd_rn(__fadd_rn(a[0], a[2]), __fadd_rn(a[1], a[3]));
}

// AttentionRow are the statistics of one query.
struct AttentionRow {
  float max, inverse, d;
};

__device__ __forceinline__ AttentionRow attentionRow(bool valid, int row, const float *max, const float *sum, const float *d) {
  if (!valid) return {0.0f, 0.0f, 0.0f};
  return {max[row], __fdiv_rn(1.0f, sum[row]), d[row]};
}

// weight is p of a score that is seen.
__device__ __forceinline__ float attentionWeight(float score, float scale, const AttentionRow &r) {
  return __fmul_rn(drn1_exp(__fsub_rn(__fmul_rn(score, scale), r.max)), r.inverse);
}

// drn1_attention_grad_queries computes dQ: queries 64*x and on of head y, columns 64*z and on.
extern "C" __global__ void __launch_bounds__(256, 2) drn1_attention_grad_queries(int heads, int seq, int depth, int causal, float scale,
                                                                                 const float *__restrict__ qkv, const float *__restrict__ dout,
                                                                                 const float *__restrict__ max, const float *__restrict__ sum,
                                                                                 const float *__restrict__ d, float *__restrict__ dqkv) {
  __shared__ AttentionShared shared;
  const int ty = threadIdx.x >> 4, tx = threadIdx.x & 15;
  const int first = blockIdx.x * ATTENTION_TILE, column = blockIdx.z * ATTENTION_TILE;
  AttentionHead head = {heads, seq, depth};
  Vectors q = head.part(qkv, 0).tile(first), k = head.part(qkv, 1), v = head.part(qkv, 2), g = head.output(dout).tile(first);
  const int tiles = causal ? (int)blockIdx.x + 1 : (seq + ATTENTION_TILE - 1) / ATTENTION_TILE;
  AttentionRow rows[4];
#pragma unroll
  for (int i = 0; i < 4; i++) rows[i] = attentionRow(first + 4 * ty + i < seq, head.row(first + 4 * ty + i), max, sum, d);
  Sums sums;
  sums.start();
  const int step = 3 * heads * depth, count = seq - first, columns = depth - column;
  float *out = dqkv + head.first(3) + first * step + column;
  for (int tile = 0; tile < tiles; tile++) {
    float s[4][4], dp[4][4];
    dots(s, q, k.tile(tile * ATTENTION_TILE), shared);
    dots(dp, g, v.tile(tile * ATTENTION_TILE), shared);
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int u = 0; u < 4; u++) {
        int key = tile * ATTENTION_TILE + 4 * tx + u, query = first + 4 * ty + i;
        bool seen = key < seq && query < seq && (!causal || key <= query);
        s[i][u] = seen ? __fmul_rn(attentionWeight(s[i][u], scale, rows[i]), __fsub_rn(dp[i][u], rows[i].d)) : 0.0f;
      }
    weigh(s, shared);
    accumulate(sums.p, k.tile(tile * ATTENTION_TILE), column, shared);
    if (sums.chunk(tile)) sums.add(out, step, count, columns);
  }
  float factor[4] = {scale, scale, scale, scale};
  sums.end(out, step, count, columns, factor);
}

// drn1_attention_grad_keys computes dK and dV: keys 64*x and on of head y, columns 64*z and on.
extern "C" __global__ void __launch_bounds__(256) drn1_attention_grad_keys(int heads, int seq, int depth, int causal, float scale,
                                                                           const float *__restrict__ qkv, const float *__restrict__ dout,
                                                                           const float *__restrict__ max, const float *__restrict__ sum,
                                                                           const float *__restrict__ d, float *__restrict__ dqkv) {
  __shared__ AttentionShared shared;
  const int ty = threadIdx.x >> 4, tx = threadIdx.x & 15;
  const int first = blockIdx.x * ATTENTION_TILE, column = blockIdx.z * ATTENTION_TILE;
  AttentionHead head = {heads, seq, depth};
  Vectors q = head.part(qkv, 0), k = head.part(qkv, 1).tile(first), v = head.part(qkv, 2).tile(first), g = head.output(dout);
  const int tiles = (seq + ATTENTION_TILE - 1) / ATTENTION_TILE;
  Sums dk, dv;
  dk.start();
  dv.start();
  const int step = 3 * heads * depth, count = seq - first, columns = depth - column;
  float *outK = dqkv + head.first(3) + heads * depth + first * step + column;
  float *outV = outK + heads * depth;
  for (int tile = causal ? (int)blockIdx.x : 0; tile < tiles; tile++) {
    Vectors queries = q.tile(tile * ATTENTION_TILE), gradients = g.tile(tile * ATTENTION_TILE);
    float s[4][4], dp[4][4];
    dots(s, k, queries, shared);
    dots(dp, v, gradients, shared);
#pragma unroll
    for (int u = 0; u < 4; u++) {
      int query = tile * ATTENTION_TILE + 4 * tx + u;
      AttentionRow row = attentionRow(query < seq, head.row(query), max, sum, d);
#pragma unroll
      for (int i = 0; i < 4; i++) {
        int key = first + 4 * ty + i;
        bool seen = key < seq && query < seq && (!causal || key <= query);
        s[i][u] = seen ? attentionWeight(s[i][u], scale, row) : 0.0f;
        dp[i][u] = seen ? __fmul_rn(s[i][u], __fsub_rn(dp[i][u], row.d)) : 0.0f;
      }
    }
    weigh(s, shared);
    accumulate(dv.p, gradients, column, shared);
    __syncthreads();
    weigh(dp, shared);
    accumulate(dk.p, queries, column, shared);
    if (dv.chunk(tile)) dv.add(outV, step, count, columns);
    if (dk.chunk(tile)) dk.add(outK, step, count, columns);
  }
  float factor[4] = {scale, scale, scale, scale}, one[4] = {1.0f, 1.0f, 1.0f, 1.0f};
  dk.end(outK, step, count, columns, factor);
  dv.end(outV, step, count, columns, one);
}
