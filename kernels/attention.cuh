// What attention, sdpa and their gradients share: sdpa.go, contract.md section 7.2. A block of 256 threads, 16 x 16, treats 64 queries by 64
// keys at a time, 4 x 4 of them a thread; the causal blocks of 64 are the tiles, so that all queries of a tile weigh the same keys.
#pragma once
#include "product.cuh"

#define ATTENTION_TILE 64
#define ATTENTION_STEP 16 // terms in shared memory at a time

struct alignas(16) AttentionShared {
  float left[ATTENTION_STEP][ATTENTION_TILE + 4], right[ATTENTION_STEP][ATTENTION_TILE + 4];
  float weights[ATTENTION_TILE][ATTENTION_TILE + 4]; // [term][row] of a sum over the other side's tile
};

// Vectors are rows of a head's matrix: vector i < count at data + i*step, depth long. Where they are Masked, one whose mask is 0 is never
// read and stands for +0.
template <bool Masked> struct Vectors {
  const float *data;
  int step, count, depth;
  const int *mask; // of these vectors
  __device__ __forceinline__ Vectors tile(int first) const { return {data + first * step, step, count - first, depth, Masked ? mask + first : nullptr}; }
  __device__ __forceinline__ bool there(int i) const { return i < count && (!Masked || mask[i] != 0); }
  __device__ __forceinline__ float at(int i, int d) const { return d < depth && there(i) ? data[i * step + d] : 0.0f; }
};

// AttentionShape is the shape of an attention, and how far apart the rows of its tensors lie: heads of queries share heads of keys, group
// of them one. qstep is of q and dq, kstep of k, v, dk and dv; o and do are dense.
struct AttentionShape {
  int heads, group, queries, keys, depth, causal, qstep, kstep;
  __device__ __forceinline__ int sample(int head) const { return head / heads; }
  // The heads are those of queries, counted through the batch.
  __device__ __forceinline__ int query(int head) const { return sample(head) * queries * qstep + head % heads * depth; }
  __device__ __forceinline__ int key(int head) const { return sample(head) * keys * kstep + head % heads / group * depth; }
  __device__ __forceinline__ int output(int head) const { return (sample(head) * queries * heads + head % heads) * depth; }
  __device__ __forceinline__ Vectors<false> queriesOf(int head, const float *q) const { return {q + query(head), qstep, queries, depth, nullptr}; }
  __device__ __forceinline__ Vectors<false> outputsOf(int head, const float *o) const {
    return {o + output(head), heads * depth, queries, depth, nullptr};
  }
  template <bool Masked> __device__ __forceinline__ Vectors<Masked> keysOf(int head, const float *k, const int *mask) const {
    return {k + key(head), kstep, keys, depth, Masked ? mask + sample(head) * keys : nullptr};
  }
  // row is the place of query i among the statistics.
  __device__ __forceinline__ int row(int head, int i) const { return head * queries + i; }
  // tiles is how many tiles of keys the queries of a tile weigh.
  __device__ __forceinline__ int tiles(int tile) const {
    int all = (keys + ATTENTION_TILE - 1) / ATTENTION_TILE;
    return causal ? drn1_min(tile + 1, all) : all;
  }
  __device__ __forceinline__ bool sees(int i, int j) const { return j < keys && i < queries && (!causal || j <= i); }
};

#define ATTENTION_SHAPE int heads, int group, int queries, int keys, int depth, int causal, int qstep, int kstep, float scale
#define ATTENTION_SHAPE_GIVEN {heads, group, queries, keys, depth, causal, qstep, kstep}

__device__ __forceinline__ void clear(float (&x)[4][4]) {
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int u = 0; u < 4; u++) x[i][u] = 0.0f;
}

// dots sets s[i][u] to the product of vector 4*ty+i of a and vector 4*tx+u of b: one chunk of at most 512 terms.
template <class A, class B> __device__ __forceinline__ void dots(float (&s)[4][4], const A &a, const B &b, AttentionShared &shared) {
  const int t = threadIdx.x, ty = t >> 4, tx = t & 15;
  clear(s);
  for (int d0 = 0; d0 < a.depth; d0 += ATTENTION_STEP) {
    __syncthreads();
#pragma unroll
    for (int e = 0; e < 4; e++) {
      shared.left[tx][ty + 16 * e] = a.at(ty + 16 * e, d0 + tx);
      shared.right[tx][ty + 16 * e] = b.at(ty + 16 * e, d0 + tx);
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < ATTENTION_STEP; k++) {
      float x[4], y[4];
      four(x, &shared.left[k][4 * ty]);
      four(y, &shared.right[k][4 * tx]);
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int u = 0; u < 4; u++) s[i][u] = __fmaf_rn(x[i], y[u], s[i][u]);
    }
  }
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int u = 0; u < 4; u++) s[i][u] = __fadd_rn(0.0f, s[i][u]);
}

// weigh shows the block the weights w[i][u] of term 4*tx+u in row 4*ty+i.
__device__ __forceinline__ void weigh(const float (&w)[4][4], AttentionShared &shared) {
  const int ty = threadIdx.x >> 4, tx = threadIdx.x & 15;
#pragma unroll
  for (int u = 0; u < 4; u++) *(float4 *)&shared.weights[4 * tx + u][4 * ty] = make_float4(w[0][u], w[1][u], w[2][u], w[3][u]);
}

// accumulate makes 64 terms of the chains p: row 4*ty+i, column 4*tx+u of the 64 columns of v that begin at column. The weights are those
// that weigh wrote before.
template <class V> __device__ __forceinline__ void accumulate(float (&p)[4][4], const V &v, int column, AttentionShared &shared) {
  const int t = threadIdx.x, ty = t >> 4, tx = t & 15;
  for (int k0 = 0; k0 < ATTENTION_TILE; k0 += ATTENTION_STEP) {
    __syncthreads();
#pragma unroll
    for (int e = 0; e < 4; e++) shared.right[(t >> 6) + 4 * e][t & 63] = v.at(k0 + (t >> 6) + 4 * e, column + (t & 63));
    __syncthreads();
#pragma unroll
    for (int k = 0; k < ATTENTION_STEP; k++) {
      float x[4], y[4];
      four(x, &shared.weights[k0 + k][4 * ty]);
      four(y, &shared.right[k][4 * tx]);
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int u = 0; u < 4; u++) p[i][u] = __fmaf_rn(x[i], y[u], p[i][u]);
    }
  }
}

// Sums are 4 x 4 sums in the GEMM order over tiles of 64 terms: 8 tiles a chunk, 128 a group. S of all groups but the last is
// kept in the output.
struct Sums {
  float p[4][4], g[4][4];
  int chunk; // of the terms in p
  bool started;
  __device__ __forceinline__ void start() {
    clear(p);
    clear(g);
    chunk = 0;
    started = false;
  }
  // reach prepares for the terms of tile i, which is none of an earlier chunk.
  __device__ __forceinline__ void reach(int i, float *out, int step, int count, int columns) {
    int next = i / (PRODUCT_CHUNK / ATTENTION_TILE);
    if (next == chunk) return;
    close();
    if (next / PRODUCT_GROUP != chunk / PRODUCT_GROUP) add(out, step, count, columns);
    chunk = next;
  }
  __device__ __forceinline__ void close() {
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int u = 0; u < 4; u++) {
        g[i][u] = __fadd_rn(g[i][u], p[i][u]);
        p[i][u] = 0.0f;
      }
  }
  // add adds the group to out, where row i of the tile of count rows begins at i*step, and begins the next.
  __device__ __forceinline__ void add(float *out, int step, int count, int columns) {
    int ty = threadIdx.x >> 4, tx = threadIdx.x & 15;
    hide(ty);
    hide(tx);
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int u = 0; u < 4; u++) {
        int row = 4 * ty + i, col = 4 * tx + u;
        if (row < count && col < columns) {
          float *s = out + row * step + col;
          *s = __fadd_rn(started ? *s : 0.0f, g[i][u]);
        }
        g[i][u] = 0.0f;
      }
    started = true;
  }
  // end closes all, and multiplies row i by factor[i].
  __device__ __forceinline__ void end(float *out, int step, int count, int columns, const float (&factor)[4]) {
    const int ty = threadIdx.x >> 4, tx = threadIdx.x & 15;
    close();
    add(out, step, count, columns);
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
      for (int u = 0; u < 4; u++) {
        int row = 4 * ty + i, col = 4 * tx + u;
        if (row < count && col < columns) {
          float *s = out + row * step + col;
          *s = __fmul_rn(*s, factor[i]);
        }
      }
  }
};
