// attention and sdpa: sdpa.go, contract.md section 7.2, in two passes over the keys: the first finds the maximum of each query, the second
// computes the scores again, their exponentials, sums and the product with the values. Nothing is rescaled, no score is stored.
// Block (x,y,z): queries 64*x and on of head y, columns 64*z and on of the output.
// Floor: fma, 3 * 2*D operations for each query and key that is weighed (2 without the second computation), and 30 of an exp;
// 64 KiB of shared memory traffic for 16 K fma a step of 16 terms makes it half of fma's peak at best. Expected: 40 to 45 %. ptxas 12.9, sm_90, as a kernel of one packed
// tensor was: 128 registers, no spills. Heads wider than 64 compute the scores again for each 64 columns: D = 128 costs 5/3.
#include "attention.cuh"

template <bool Masked>
__device__ __forceinline__ void attention(const AttentionShape &shape, float scale, const float *q, const float *k, const float *v, const int *mask,
                                          float *o, float *max, float *sum, AttentionShared &shared) {
  const int ty = threadIdx.x >> 4, tx = threadIdx.x & 15, head = blockIdx.y;
  const int first = blockIdx.x * ATTENTION_TILE, column = blockIdx.z * ATTENTION_TILE;
  Vectors<false> queries = shape.queriesOf(head, q).tile(first);
  Vectors<Masked> keys = shape.keysOf<Masked>(head, k, mask), values = shape.keysOf<Masked>(head, v, mask);
  const int tiles = shape.tiles(blockIdx.x);
  float s[4][4], m[4];
  int sees[4];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    sees[i] = shape.causal ? drn1_min(first + 4 * ty + i + 1, shape.keys) : shape.keys;
    m[i] = drn1_neg(drn1_inf());
  }
  for (int tile = 0; tile < tiles; tile++) {
    Vectors<Masked> those = keys.tile(tile * ATTENTION_TILE);
    dots(s, queries, those, shared);
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int u = 0; u < 4; u++) {
        float x = __fmul_rn(s[i][u], scale);
        if (tile * ATTENTION_TILE + 4 * tx + u < sees[i] && (!Masked || those.there(4 * tx + u)) && x > m[i]) m[i] = x;
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
  const int step = shape.heads * shape.depth, count = shape.queries - first, columns = shape.depth - column;
  float *out = o + shape.output(head) + first * step + column;
  for (int tile = 0; tile < tiles; tile++) {
    Vectors<Masked> those = keys.tile(tile * ATTENTION_TILE);
    dots(s, queries, those, shared);
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int u = 0; u < 4; u++) {
        bool seen = tile * ATTENTION_TILE + 4 * tx + u < sees[i] && (!Masked || those.there(4 * tx + u));
        s[i][u] = seen ? drn1_exp(__fsub_rn(__fmul_rn(s[i][u], scale), m[i])) : 0.0f;
        if (tile & 1)
          high[i][u] = __fadd_rn(high[i][u], s[i][u]);
        else
          low[i][u] = __fadd_rn(low[i][u], s[i][u]);
      }
    weigh(s, shared);
    sums.reach(tile, out, step, count, columns);
    accumulate(sums.p, values.tile(tile * ATTENTION_TILE), column, shared);
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
    r[i] = l[i] == 0.0f ? 0.0f : __fdiv_rn(1.0f, l[i]);
  }
  sums.end(out, step, count, columns, r);
  if (blockIdx.z > 0 || tx > 0) return;
#pragma unroll
  for (int i = 0; i < 4; i++)
    if (4 * ty + i < count) {
      max[shape.row(head, first + 4 * ty + i)] = m[i];
      sum[shape.row(head, first + 4 * ty + i)] = l[i];
    }
}

#define ATTENTION_INPUTS const float *__restrict__ q, const float *__restrict__ k, const float *__restrict__ v
#define ATTENTION_OUTPUTS float *__restrict__ o, float *__restrict__ max, float *__restrict__ sum

extern "C" __global__ void __launch_bounds__(256, 2) drn1_attention(ATTENTION_SHAPE, ATTENTION_INPUTS, ATTENTION_OUTPUTS) {
  __shared__ AttentionShared shared;
  AttentionShape shape = ATTENTION_SHAPE_GIVEN;
  attention<false>(shape, scale, q, k, v, nullptr, o, max, sum, shared);
}
extern "C" __global__ void __launch_bounds__(256, 2) drn1_attention_masked(ATTENTION_SHAPE, ATTENTION_INPUTS, const int *__restrict__ mask, ATTENTION_OUTPUTS) {
  __shared__ AttentionShared shared;
  AttentionShape shape = ATTENTION_SHAPE_GIVEN;
  attention<true>(shape, scale, q, k, v, mask, o, max, sum, shared);
}
