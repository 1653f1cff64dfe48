// The activations of one element, contract.md section 5, for their maps and for what follows a product: relu.go, silu.go, gelu.go,
// gelu_tanh.go, tanh.go and sigmoid.go are the definitions.
#pragma once
#include "drn1.cuh"

__device__ __forceinline__ float drn1_relu_of(float v) { return v < 0.0f ? 0.0f : v; }

__device__ __forceinline__ float drn1_silu_of(float v) { return __fmul_rn(v, drn1_sigmoid(v)); }

__device__ __forceinline__ float drn1_gelu_of(float v) {
  float e = drn1_erf(__fmul_rn(v, 0x1.6a09e6p-1f));
  return __fmul_rn(__fmul_rn(0.5f, v), __fadd_rn(1.0f, e));
}

// drn1_gelu_tanh_inner is the argument of gelu_tanh's tanh, where u is v*v.
__device__ __forceinline__ float drn1_gelu_tanh_inner(float v, float u) {
  return __fmul_rn(drn1_mad(__fmul_rn(u, v), 0x1.6e4e26p-5f, v), 0x1.988454p-1f);
}

__device__ __forceinline__ float drn1_gelu_tanh_of(float v) {
  float t = drn1_tanh(drn1_gelu_tanh_inner(v, __fmul_rn(v, v)));
  return __fmul_rn(__fmul_rn(0.5f, v), __fadd_rn(1.0f, t));
}

// The numbers of the activations in launches, which their Go pages declare.
enum Activation : int { NO_ACTIVATION, RELU, SILU, GELU, GELU_TANH, TANH, SIGMOID };

// drn1_activate is an activation of v. All threads of a launch have the same one.
__device__ __forceinline__ float drn1_activate(int activation, float v) {
  switch (activation) {
  case RELU: return drn1_relu_of(v);
  case SILU: return drn1_silu_of(v);
  case GELU: return drn1_gelu_of(v);
  case GELU_TANH: return drn1_gelu_tanh_of(v);
  case TANH: return drn1_tanh(v);
  case SIGMOID: return drn1_sigmoid(v);
  }
  return v;
}
