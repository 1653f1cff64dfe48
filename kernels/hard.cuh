// hard_sigmoid.go: what the hard activations share.
#pragma once
#include "drn1.cuh"

// drn1_zero_to_six is v + 3 between 0 and 6.
__device__ __forceinline__ float drn1_zero_to_six(float v) {
  v = __fadd_rn(v, 3.0f);
  v = v < 0.0f ? 0.0f : v;
  return v > 6.0f ? 6.0f : v;
}
