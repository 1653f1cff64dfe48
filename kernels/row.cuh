// Rows of at most 1024 elements in the registers of a warp, so that a row is read once. Thread t holds
// element t + 32*k as number k of an array of DRN1_NEAR: the lanes of r128.cuh. f(k, i) is called for
// the thread's elements i = t + 32*k below n, with a k that is known to the compiler.
#pragma once
#include "r128.cuh"

#define DRN1_NEAR 32

// drn1_is_near says that a row of n elements fits. It is the same for all threads.
__device__ __forceinline__ bool drn1_is_near(int n) { return n <= 32 * DRN1_NEAR; }

// drn1_near_each calls f for each element.
template <class F>
__device__ __forceinline__ void drn1_near_each(int n, F f) {
  int t = drn1_lane();
#pragma unroll
  for (int k = 0; k < DRN1_NEAR; k++)
    if (t + 32 * k < n) f(k, t + 32 * k);
}

// drn1_near_sum is R128 of f.
template <class F>
__device__ __forceinline__ float drn1_near_sum(int n, F f) {
  float l[4] = {0.0f, 0.0f, 0.0f, 0.0f};
  drn1_near_each(n, [&](int k, int i) { l[k & 3] = __fadd_rn(l[k & 3], f(k, i)); });
  return drn1_fold(l);
}

// drn1_near_maximum is the maximum of the row v.
__device__ __forceinline__ float drn1_near_maximum(int n, const float *v) {
  float m = drn1_neg(drn1_inf());
  drn1_near_each(n, [&](int k, int) { m = v[k] > m ? v[k] : m; });
  return drn1_warp_maximum(m);
}
