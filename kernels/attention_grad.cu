// attention_grad and sdpa_grad: sdpa_grad.go, contract.md section 7.2. Three launches: D of each query; dQ, a block for 64 queries over
// the keys; dK and dV, a block for 64 keys over the queries. The weights are computed again in both, nothing of them is stored.
// Floor: fma, 3 + 4 times 2*D operations for each query and key that is weighed (5 if the weights were stored), and two exp; shared memory
// halves fma's peak as in attention.cu. Expected: 40 %. ptxas 12.9, sm_90, as kernels of one packed tensor were: 128 registers for the queries, 205 for the keys (one block a
// multiprocessor), no spills. Heads wider than 64 compute the weights again for each 64 columns.
#include "attention.cuh"

// drn1_attention_grad_rows sets d[row] to R128 of do*o, one warp a query.
extern "C" __global__ void __launch_bounds__(256) drn1_attention_grad_rows(int rows, int heads, int queries, int depth, const float *__restrict__ o,
                                                                           const float *__restrict__ dout, float *__restrict__ d) {
  int row = blockIdx.x * 8 + (threadIdx.x >> 5), lane = threadIdx.x & 31;
  if (row >= rows) return;
  int head = row / queries, i = row - head * queries;
  int at = (((head / heads) * queries + i) * heads + head % heads) * depth;
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

// queries computes dQ: queries 64*x and on of head y, columns 64*z and on.
template <bool Masked>
__device__ __forceinline__ void queriesGrad(const AttentionShape &shape, float scale, const float *q, const float *k, const float *v, const int *mask,
                                            const float *dout, const float *max, const float *sum, const float *d, float *dq, AttentionShared &shared) {
  const int ty = threadIdx.x >> 4, tx = threadIdx.x & 15, head = blockIdx.y;
  const int first = blockIdx.x * ATTENTION_TILE, column = blockIdx.z * ATTENTION_TILE;
  Vectors<false> queries = shape.queriesOf(head, q).tile(first), g = shape.outputsOf(head, dout).tile(first);
  Vectors<Masked> keys = shape.keysOf<Masked>(head, k, mask), values = shape.keysOf<Masked>(head, v, mask);
  const int tiles = shape.tiles(blockIdx.x);
  AttentionRow rows[4];
#pragma unroll
  for (int i = 0; i < 4; i++) rows[i] = attentionRow(first + 4 * ty + i < shape.queries, shape.row(head, first + 4 * ty + i), max, sum, d);
  Sums sums;
  sums.start();
  const int step = shape.qstep, count = shape.queries - first, columns = shape.depth - column;
  float *out = dq + shape.query(head) + first * step + column;
  for (int tile = 0; tile < tiles; tile++) {
    Vectors<Masked> those = keys.tile(tile * ATTENTION_TILE);
    float s[4][4], dp[4][4];
    dots(s, queries, those, shared);
    dots(dp, g, values.tile(tile * ATTENTION_TILE), shared);
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int u = 0; u < 4; u++) {
        bool seen = shape.sees(first + 4 * ty + i, tile * ATTENTION_TILE + 4 * tx + u) && (!Masked || those.there(4 * tx + u));
        s[i][u] = seen ? __fmul_rn(attentionWeight(s[i][u], scale, rows[i]), __fsub_rn(dp[i][u], rows[i].d)) : 0.0f;
      }
    weigh(s, shared);
    sums.reach(tile, out, step, count, columns);
    accumulate(sums.p, those, column, shared);
  }
  float factor[4] = {scale, scale, scale, scale};
  sums.end(out, step, count, columns, factor);
}

// keysGrad computes dK and dV: keys 64*x and on of head y of keys, columns 64*z and on, over the queries of the heads that share it. In the
// sums each head begins with a chunk.
template <bool Masked>
__device__ __forceinline__ void keysGrad(const AttentionShape &shape, float scale, const float *q, const float *k, const float *v, const int *mask,
                                         const float *dout, const float *max, const float *sum, const float *d, float *dk, float *dv,
                                         AttentionShared &shared) {
  const int ty = threadIdx.x >> 4, tx = threadIdx.x & 15;
  const int first = blockIdx.x * ATTENTION_TILE, column = blockIdx.z * ATTENTION_TILE;
  int head = blockIdx.y * shape.group; // the first that shares it
  Vectors<Masked> keys = shape.keysOf<Masked>(head, k, mask).tile(first), values = shape.keysOf<Masked>(head, v, mask).tile(first);
  const int tiles = (shape.queries + ATTENTION_TILE - 1) / ATTENTION_TILE;
  const int each = (shape.queries + PRODUCT_CHUNK - 1) / PRODUCT_CHUNK * (PRODUCT_CHUNK / ATTENTION_TILE);
  Sums sumK, sumV;
  sumK.start();
  sumV.start();
  const int step = shape.kstep, count = shape.keys - first, columns = shape.depth - column;
  const int at = shape.key(head) + first * step + column;
  float *outK = dk + at, *outV = dv + at;
  for (int n = 0; n < shape.group; n++, head++)
    for (int tile = shape.causal ? (int)blockIdx.x : 0; tile < tiles; tile++) {
      Vectors<false> queries = shape.queriesOf(head, q).tile(tile * ATTENTION_TILE), gradients = shape.outputsOf(head, dout).tile(tile * ATTENTION_TILE);
      float s[4][4], dp[4][4];
      dots(s, keys, queries, shared);
      dots(dp, values, gradients, shared);
#pragma unroll
      for (int u = 0; u < 4; u++) {
        int query = tile * ATTENTION_TILE + 4 * tx + u;
        AttentionRow row = attentionRow(query < shape.queries, shape.row(head, query), max, sum, d);
#pragma unroll
        for (int i = 0; i < 4; i++) {
          bool seen = shape.sees(query, first + 4 * ty + i) && (!Masked || keys.there(4 * ty + i));
          s[i][u] = seen ? attentionWeight(s[i][u], scale, row) : 0.0f;
          dp[i][u] = seen ? __fmul_rn(s[i][u], __fsub_rn(dp[i][u], row.d)) : 0.0f;
        }
      }
      weigh(s, shared);
      sumV.reach(n * each + tile, outV, step, count, columns);
      accumulate(sumV.p, gradients, column, shared);
      __syncthreads();
      weigh(dp, shared);
      sumK.reach(n * each + tile, outK, step, count, columns);
      accumulate(sumK.p, queries, column, shared);
    }
  float factor[4] = {scale, scale, scale, scale}, one[4] = {1.0f, 1.0f, 1.0f, 1.0f};
  sumK.end(outK, step, count, columns, factor);
  sumV.end(outV, step, count, columns, one);
  if (!Masked) return;
  // A masked key has no terms: what it was given above is +0, or NaN where a gradient was.
#pragma unroll
  for (int i = 0; i < 4; i++)
    for (int u = 0; u < 4; u++)
      if (4 * ty + i < count && 4 * tx + u < columns && !keys.there(4 * ty + i))
        outK[(4 * ty + i) * step + 4 * tx + u] = outV[(4 * ty + i) * step + 4 * tx + u] = 0.0f;
}

#define ATTENTION_INPUTS const float *__restrict__ q, const float *__restrict__ k, const float *__restrict__ v
#define ATTENTION_GIVEN const float *__restrict__ dout, const float *__restrict__ max, const float *__restrict__ sum, const float *__restrict__ d

extern "C" __global__ void __launch_bounds__(256, 2) drn1_attention_grad_queries(ATTENTION_SHAPE, ATTENTION_INPUTS, ATTENTION_GIVEN, float *__restrict__ dq) {
  __shared__ AttentionShared shared;
  AttentionShape shape = ATTENTION_SHAPE_GIVEN;
  queriesGrad<false>(shape, scale, q, k, v, nullptr, dout, max, sum, d, dq, shared);
}
extern "C" __global__ void __launch_bounds__(256, 2) drn1_attention_grad_queries_masked(ATTENTION_SHAPE, ATTENTION_INPUTS, const int *__restrict__ mask,
                                                                                        ATTENTION_GIVEN, float *__restrict__ dq) {
  __shared__ AttentionShared shared;
  AttentionShape shape = ATTENTION_SHAPE_GIVEN;
  queriesGrad<true>(shape, scale, q, k, v, mask, dout, max, sum, d, dq, shared);
}
extern "C" __global__ void __launch_bounds__(256) drn1_attention_grad_keys(ATTENTION_SHAPE, ATTENTION_INPUTS, ATTENTION_GIVEN, float *__restrict__ dk,
                                                                           float *__restrict__ dv) {
  __shared__ AttentionShared shared;
  AttentionShape shape = ATTENTION_SHAPE_GIVEN;
  keysGrad<false>(shape, scale, q, k, v, nullptr, dout, max, sum, d, dk, dv, shared);
}
extern "C" __global__ void __launch_bounds__(256) drn1_attention_grad_keys_masked(ATTENTION_SHAPE, ATTENTION_INPUTS, const int *__restrict__ mask,
                                                                                  ATTENTION_GIVEN, float *__restrict__ dk, float *__restrict__ dv) {
  __shared__ AttentionShared shared;
  AttentionShape shape = ATTENTION_SHAPE_GIVEN;
  keysGrad<true>(shape, scale, q, k, v, mask, dout, max, sum, d, dk, dv, shared);
}
