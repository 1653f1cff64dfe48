// The geometry of pooling, defined by pool.go.
#pragma once
#include "drn1.cuh"

// A plane of h by width elements has oh by ow windows of kh by kw, sh and sw apart, from ph and pw
// before its corner.
#define DRN1_POOL int h, int width, int oh, int ow, int kh, int kw, int sh, int sw, int ph, int pw

// drn1_window is a rectangle: rows [top, bottom), columns [left, right).
struct drn1_window { int top, bottom, left, right; };

// drn1_window_at is window i, as far as it lies in the plane.
__device__ __forceinline__ drn1_window drn1_window_at(int i, int h, int width, int ow, int kh, int kw, int sh, int sw, int ph, int pw) {
  int top = i / ow * sh - ph, left = i % ow * sw - pw;
  return drn1_window{drn1_max(top, 0), drn1_min(top + kh, h), drn1_max(left, 0), drn1_min(left + kw, width)};
}

// drn1_windows_over are the windows that cover element (r,c) of the plane, as rows and columns of
// windows.
__device__ __forceinline__ drn1_window drn1_windows_over(int r, int c, int oh, int ow, int kh, int kw, int sh, int sw, int ph, int pw) {
  int below = r + ph - kh + 1, right = c + pw - kw + 1; // the first corners that still reach the element
  return drn1_window{below > 0 ? (below + sh - 1) / sh : 0, drn1_min((r + ph) / sh + 1, oh),
                     right > 0 ? (right + sw - 1) / sw : 0, drn1_min((c + pw) / sw + 1, ow)};
}
