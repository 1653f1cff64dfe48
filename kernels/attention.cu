// attention: attention.go, contract.md section 7.2, in two passes over the keys: the first finds the maximum of each query, the second
// computes the scores again, their exponentials, sums and the product with the values. Nothing is rescaled, no score is stored.
// Block (x,y,z): queries 64*x and on of head y, columns 64*z and on of the output.
// Floor: fma, 3 * 2*D operations for each query and key that is weighed (2 without the second computation), and 30 of an exp;
// 64 KiB of shared memory traffic for 16 K fma a step of 16 terms makes it half of fma's peak at best. Expected: 40 to 45 %. ptxas 12.9, sm_90: 128 registers, no spills.
// Heads wider than 64 compute the scores again for each 64 columns: D = 128 costs 5/3.
#include "attention.cuh"

extern "C" __global__ void __launch_bounds__(256, 2) drn1_attention(int heads, int seq, int depth, int causal, float scale,
                                                                    const float *__restrict__ qkv, float *__restrict__ o,
                                                                    float *__restrict__ max, float *__restrict__ sum) {
  __shared__ AttentionShared shared;
  const int ty = threadIdx.x >> 4, tx = threadIdx.x & 15;
  const int first = blockIdx.x * ATTENTION_TILE, column = blockIdx.z * ATTENTION_TILE;
  AttentionHead head = {heads, seq, depth};
  Vectors q = head.part(qkv, 0).tile(first), k = head.part(qkv, 1), v = head.part(qkv, 2);
  const int tiles = causal ? (int)blockIdx.x + 1 : (seq + ATTENTION_TILE - 1) / ATTENTION_TILE;
  float s[4][4], m[4];
  int sees[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    sees[i] = causal ? drn1_min(first + 4 * ty + i + 1, seq) : seq;
    m[i] = drn1_neg(drn1_inf());
  }
  for (int tile = 0; tile < tiles; tile++) {
    dots(s, q, k.tile(tile * ATTENTION_TILE), shared);
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int u = 0; u < 4; u++) {
        float x = __fmul_rn(s[i][u], scale);
        if (tile * ATTENTION_TILE + 4 * tx + u < sees[i] && x > m[i]) m[i] = x;
      }
  }
#pragma unroll
  for (int i = 0; i < 4; i++) {
    for (int h = 8; h >= 1; h >>= 1) {
      float other = __shfl_xor_sync(0xffffffffu, m[i], h);
      if (other > m[i]) m[i] = other;
    }
    m[i] = __fadd_rn(m[i], 0.0f);
  }
  // Lane 64*(tile%2) + 4*tx + u of R128 (r128.go) is low or high [i][u].
  float low[4][4], high[4][4];
  clear(low);
  clear(high);
  Sums sums;
  sums.start();
  const int step = heads * depth, count = seq - first, columns = depth - column;
  float *out = o + head.first(1) + first * step + column;
  for (int tile = 0; tile < tiles; tile++) {
    dots(s, q, k.tile(tile * ATTENTION_TILE), shared);
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int u = 0; u < 4; u++) {
        bool seen = tile * ATTENTION_TILE + 4 * tx + u < sees[i];
        s[i][u] = seen ? drn1_exp(__fsub_rn(__fmul_rn(s[i][u], scale), m[i])) : 0.0f;
        if (tile & 1)
          high[i][u] = __fadd_rn(high[i][u], s[i][u]);
        else
          low[i][u] = __fadd_rn(low[i][u], s[i][u]);
      }
    weigh(s, shared);
    accumulate(sums.p, v.tile(tile * ATTENTION_TILE), column, shared);
    if (sums.chunk(tile)) sums.add(out, step, count, columns);
  }
  float l[4], r[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
#pragma unroll
    for (int u = 0; u < 4; u++) {
      low[i][u] = __fadd_rn(low[i][u], high[i][u]);
      for (int h = 8; h >= 1; h >>= 1) low[i][u] = __fadd_rn(low[i][u], __shfl_xor_sync(0xffffffffu, low[i][u], h));
    }
    l[i] = __fadd_rn(__fadd_rn(low[i][0], low[i][2]), __fadd_rn(low[i][1], low[i][3]));
    r[i] = __fdiv_rn(1.0f, l[i]);
  }
  sums.end(out, step, count, columns, r);
  if (blockIdx.z > 0 || tx > 0) return;
#pragma unroll
  for (int i = 0; i < 4; i++)
    if (4 * ty + i < count) {
      max[head.row(first + 4 * ty + i)] = m[i];
      sum[head.row(first + 4 * ty + i)] = l[i];
    }
}
