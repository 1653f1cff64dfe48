// 64-bit integers as two words, the low one first: all that sums of fixed-point numbers need.
#pragma once
#include "drn1.cuh"

struct drn1_wide {
  unsigned low, high;
};

__device__ __forceinline__ drn1_wide drn1_wide_add(drn1_wide a, drn1_wide b) {
  drn1_wide r;
  r.low = a.low + b.low;
  r.high = a.high + b.high + (r.low < a.low ? 1u : 0u);
  return r;
}

__device__ __forceinline__ drn1_wide drn1_wide_neg(drn1_wide a) {
  drn1_wide r;
  r.low = 0u - a.low;
  r.high = ~a.high + (a.low == 0u ? 1u : 0u);
  return r;
}

__device__ __forceinline__ drn1_wide drn1_wide_at(const int *p, int i) {
  drn1_wide r;
  r.low = (unsigned)p[2 * i];
  r.high = (unsigned)p[2 * i + 1];
  return r;
}
