// Sums and maxima by one warp: contract.md sections 1.3 and 3, defined by r128.go and rowmax.go.
//
// Thread t of the warp holds the lanes t, t+32, t+64 and t+96 of R128, so that every load of the warp
// is 128 neighbouring bytes whatever the alignment of a row. Every thread gets the result. All 32
// threads must call these functions together.
//
// Floor: 4 bytes a term; 512 additions in a row for each block of 65536, 1.2 us at 1.7 GHz.
#pragma once
#include "drn1.cuh"

#define DRN1_BLOCK 65536

// drn1_lane is the thread's place in its warp.
__device__ __forceinline__ int drn1_lane() { return threadIdx.x & 31; }

// drn1_fold is the fold by halves of the 128 lanes.
__device__ __forceinline__ float drn1_fold(const float *l) {
  float s = __fadd_rn(__fadd_rn(l[0], l[2]), __fadd_rn(l[1], l[3]));
#pragma unroll
  for (int h = 16; h > 0; h >>= 1) s = __fadd_rn(s, __shfl_xor_sync(0xffffffffu, s, h));
  return s;
}

// drn1_block_sums are R128 of N vectors at once: f(i, terms) gives the N terms of place i, for i in
// [from, to), at most 65536 places.
template <int N, class F>
__device__ __forceinline__ void drn1_block_sums(int from, int to, float *sums, F f) {
  float l[N][4], terms[N];
#pragma unroll
  for (int n = 0; n < N; n++) l[n][0] = l[n][1] = l[n][2] = l[n][3] = 0.0f;
  int t = drn1_lane();
#pragma unroll 4
  for (; to - from >= 128; from += 128) {
#pragma unroll
    for (int k = 0; k < 4; k++) {
      f(from + t + 32 * k, terms);
#pragma unroll
      for (int n = 0; n < N; n++) l[n][k] = __fadd_rn(l[n][k], terms[n]);
    }
  }
#pragma unroll
  for (int k = 0; k < 4; k++) {
    if (from + t + 32 * k >= to) continue;
    f(from + t + 32 * k, terms);
#pragma unroll
    for (int n = 0; n < N; n++) l[n][k] = __fadd_rn(l[n][k], terms[n]);
  }
#pragma unroll
  for (int n = 0; n < N; n++) sums[n] = drn1_fold(l[n]);
}

// drn1_sums are R128* of N vectors of length n at once. n is below 2^31, so that the sums of the
// blocks are themselves one block.
template <int N, class F>
__device__ __forceinline__ void drn1_sums(int n, float *sums, F f) {
  if (n <= DRN1_BLOCK) {
    drn1_block_sums<N>(0, n, sums, f);
    return;
  }
  float l[N][4];
#pragma unroll
  for (int i = 0; i < N; i++) l[i][0] = l[i][1] = l[i][2] = l[i][3] = 0.0f;
  int t = drn1_lane();
  for (int block = 0, from = 0; from < n; block++, from += DRN1_BLOCK) {
    drn1_block_sums<N>(from, drn1_min(n, from + DRN1_BLOCK), sums, f);
#pragma unroll
    for (int i = 0; i < N; i++)
#pragma unroll
      for (int k = 0; k < 4; k++)
        if ((block & 127) == t + 32 * k) l[i][k] = __fadd_rn(l[i][k], sums[i]);
  }
#pragma unroll
  for (int i = 0; i < N; i++) sums[i] = drn1_fold(l[i]);
}

// drn1_sum is R128* of f(0), ..., f(n-1).
template <class F>
__device__ __forceinline__ float drn1_sum(int n, F f) {
  float s;
  drn1_sums<1>(n, &s, [&](int i, float *term) { *term = f(i); });
  return s;
}

// drn1_warp_maximum is the maximum of the m of each thread, none of which is NaN.
__device__ __forceinline__ float drn1_warp_maximum(float m) {
#pragma unroll
  for (int h = 16; h > 0; h >>= 1) {
    float v = __shfl_xor_sync(0xffffffffu, m, h);
    m = v > m ? v : m;
  }
  return __fadd_rn(m, 0.0f);
}

// drn1_maximum is the maximum of x[0], ..., x[n-1].
__device__ __forceinline__ float drn1_maximum(int n, const float *x) {
  float m = drn1_neg(drn1_inf());
#pragma unroll 8
  for (int i = drn1_lane(); i < n; i += 32) {
    float v = x[i];
    m = v > m ? v : m;
  }
  return drn1_warp_maximum(m);
}

// drn1_row is the row of the thread's warp, where a block of 128 threads treats four rows.
__device__ __forceinline__ int drn1_row() { return blockIdx.x * 4 + (threadIdx.x >> 5); }
