// What attention and its gradient share: attention.go, contract.md section 7.2. A block of 256 threads, 16 x 16, treats 64 queries by 64
// keys at a time, 4 x 4 of them a thread; the causal blocks of 64 are the tiles, so that all queries of a tile weigh the same keys.
#pragma once
#include "product.cuh"

#define ATTENTION_TILE 64
#define ATTENTION_STEP 16 // terms in shared memory at a time

struct alignas(16) AttentionShared {
  float left[ATTENTION_STEP][ATTENTION_TILE + 4], right[ATTENTION_STEP][ATTENTION_TILE + 4];
  float weights[ATTENTION_TILE][ATTENTION_TILE + 4]; // [term][row] of a sum over the other side's tile
};

// Vectors are rows of a head's matrix: vector i < count at data + i*step, depth long.
struct Vectors {
  const float *data;
  int step, count, depth;
  __device__ __forceinline__ Vectors tile(int first) const { return {data + first * step, step, count - first, depth}; }
  __device__ __forceinline__ float at(int i, int d) const { return i < count && d < depth ? data[i * step + d] : 0.0f; }
};

// AttentionHead is the place of head blockIdx.y: part i of qkv, or a tensor of the output's shape.
struct AttentionHead {
  int heads, seq, depth;
  __device__ __forceinline__ int first(int parts) const {
    return ((blockIdx.y / heads) * seq * parts * heads + blockIdx.y % heads) * depth;
  }
  __device__ __forceinline__ Vectors part(const float *qkv, int i) const {
    return {qkv + first(3) + i * heads * depth, 3 * heads * depth, seq, depth};
  }
  __device__ __forceinline__ Vectors output(const float *o) const { return {o + first(1), heads * depth, seq, depth}; }
  // row is the place of row i among the statistics.
  __device__ __forceinline__ int row(int i) const { return blockIdx.y * seq + i; }
};

__device__ __forceinline__ void clear(float (&x)[4][4]) {
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int u = 0; u < 4; u++) x[i][u] = 0.0f;
}

// dots sets s[i][u] to the product of vector 4*ty+i of a and vector 4*tx+u of b: one chunk of at most 512 terms.
__device__ __forceinline__ void dots(float (&s)[4][4], const Vectors &a, const Vectors &b, AttentionShared &shared) {
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
__device__ __forceinline__ void accumulate(float (&p)[4][4], const Vectors &v, int column, AttentionShared &shared) {
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
  bool started;
  __device__ __forceinline__ void start() {
    clear(p);
    clear(g);
    started = false;
  }
  // chunk closes the chunk that ends with tile i, if one does.
  __device__ __forceinline__ bool chunk(int i) {
    if ((i + 1) % (PRODUCT_CHUNK / ATTENTION_TILE) != 0) return false;
    close();
    return (i + 1) % (PRODUCT_GROUP * PRODUCT_CHUNK / ATTENTION_TILE) == 0;
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
