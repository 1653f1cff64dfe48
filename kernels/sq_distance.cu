// sq_distance.go: SqDistance, contract.md section 12.1. A block of 256 threads computes 64 rows by 64
// columns, 4 by 4 a thread, from slices of 16 words in shared memory. Floor: per word and output 2
// multiply-adds and 4 more integer operations, all of 32 bits.
#include "drn1.cuh"

enum { DISTANCE_TILE = 64, DISTANCE_DEPTH = 16, DISTANCE_THREADS = 256 };

// A row of a slice has one word more than the tile, so that neighbouring words lie in different banks.
struct DistanceShared {
  int a[DISTANCE_DEPTH][DISTANCE_TILE + 1], b[DISTANCE_DEPTH][DISTANCE_TILE + 1];
};

// distance_slice brings words k0 to k0+15 of 64 rows from row0 on, zero outside.
__device__ __forceinline__ void distance_slice(int rows, int W, int row0, int k0, const int *__restrict__ from, int (*to)[DISTANCE_TILE + 1]) {
#pragma unroll
  for (int e = threadIdx.x; e < DISTANCE_TILE * DISTANCE_DEPTH; e += DISTANCE_THREADS) {
    int row = row0 + e / DISTANCE_DEPTH, k = k0 + e % DISTANCE_DEPTH;
    to[e % DISTANCE_DEPTH][e / DISTANCE_DEPTH] = row < rows && k < W ? from[row * W + k] : 0;
  }
}

extern "C" __global__ void __launch_bounds__(256) drn1_sq_distance(int M, int N, int W, const int *__restrict__ a, const int *__restrict__ b,
                                                                   int *y) {
  __shared__ DistanceShared shared;
  const int m0 = blockIdx.y * DISTANCE_TILE, n0 = blockIdx.x * DISTANCE_TILE;
  const int tx = threadIdx.x % 16, ty = threadIdx.x / 16;
  unsigned sum[4][4];
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int j = 0; j < 4; j++) sum[i][j] = 0;
  for (int k0 = 0; k0 < W; k0 += DISTANCE_DEPTH) {
    distance_slice(M, W, m0, k0, a, shared.a);
    distance_slice(N, W, n0, k0, b, shared.b);
    __syncthreads();
#pragma unroll 4
    for (int k = 0; k < DISTANCE_DEPTH; k++) {
      int x[4], z[4];
#pragma unroll
      for (int i = 0; i < 4; i++) x[i] = shared.a[k][ty + 16 * i];
#pragma unroll
      for (int j = 0; j < 4; j++) z[j] = shared.b[k][tx + 16 * j];
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) {
          unsigned low = (unsigned)((int)(short)x[i] - (int)(short)z[j]), high = (unsigned)((x[i] >> 16) - (z[j] >> 16));
          sum[i][j] += low * low + high * high;
        }
    }
    __syncthreads();
  }
#pragma unroll
  for (int i = 0; i < 4; i++)
#pragma unroll
    for (int j = 0; j < 4; j++) {
      int m = m0 + ty + 16 * i, n = n0 + tx + 16 * j;
      if (m < M && n < N) y[m * N + n] = (int)sum[i][j];
    }
}
