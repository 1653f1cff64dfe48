// The arithmetic of DRN-1 on a GPU, shared by every kernel: contract.md sections 1, 3 and 5. The Go
// pages exp.go, log.go, tanh.go, erf.go, rsqrt.go, r128.go are the definitions.
//
// A kernel writes every float operation as an intrinsic that rounds to nearest (__fadd_rn,
// __fsub_rn, __fmul_rn, __fdiv_rn, __fsqrt_rn, and __fmaf_rn in products only), because a compiler
// may contract or approximate the infix operators. Comparisons and selections of floats are exact
// and stay infix. Indices are int: package launch refuses longer operands.
//
// Kernels are extern "C" __global__ functions called drn1_NAME whose parameters are pointers and
// 32-bit numbers. Shared arrays are declared in the kernel itself.
#pragma once
#if defined(VERIFYD_SHIM)
#include "_shim/cuda_shim.h"
#elif defined(__clang__)
#include "_shim/cuda_clang.h"
#endif

// ---- section 1: base arithmetic ----

// drn1_mad is a*b + c with two roundings.
__device__ __forceinline__ float drn1_mad(float a, float b, float c) { return __fadd_rn(__fmul_rn(a, b), c); }

__device__ __forceinline__ float drn1_neg(float x) { return __int_as_float(__float_as_int(x) ^ 0x80000000); }
__device__ __forceinline__ float drn1_abs(float x) { return __int_as_float(__float_as_int(x) & 0x7fffffff); }
__device__ __forceinline__ float drn1_nan() { return __int_as_float(0x7fc00000); }
__device__ __forceinline__ float drn1_inf() { return __int_as_float(0x7f800000); }

// drn1_copysign is y, which is not negative, with the sign of x.
__device__ __forceinline__ float drn1_copysign(float y, float x) {
  return __int_as_float(__float_as_int(y) | (__float_as_int(x) & 0x80000000));
}

__device__ __forceinline__ int drn1_min(int a, int b) { return a < b ? a : b; }
__device__ __forceinline__ int drn1_max(int a, int b) { return a > b ? a : b; }

// ---- section 5: functions ----

// drn1_pow2 is 2 to the n for a normal result.
__device__ __forceinline__ float drn1_pow2(int n) { return __int_as_float((n + 127) << 23); }

// exp.go
__device__ __forceinline__ float drn1_exp(float x) {
  bool nan = x != x;
  x = x > 89.0f ? 89.0f : x;
  x = x < -104.0f ? -104.0f : x;
  float t = drn1_mad(x, 0x1.715476p0f, 12582912.0f);
  float n = __fsub_rn(t, 12582912.0f);
  float r = drn1_mad(n, -0x1.63p-1f, x);
  r = drn1_mad(n, 0x1.bd0106p-13f, r);
  float q = 0x1.694c8ep-10f;
  q = drn1_mad(q, r, 0x1.12397ep-7f);
  q = drn1_mad(q, r, 0x1.555a26p-5f);
  q = drn1_mad(q, r, 0x1.555492p-3f);
  q = drn1_mad(q, r, 0x1.fffffap-2f);
  float y = __fadd_rn(1.0f, drn1_mad(__fmul_rn(r, r), q, r));
  int k = __float_as_int(t) - 0x4b400000;
  if (nan) k = 0; // its t is no number; y is NaN all the same
  int h = k >> 1;
  return __fmul_rn(__fmul_rn(y, drn1_pow2(h)), drn1_pow2(k - h));
}

// log.go
__device__ __forceinline__ float drn1_log(float x) {
  unsigned u = (unsigned)__float_as_int(x);
  if (x != x || (u >> 31 != 0 && u != 0x80000000u)) return drn1_nan();
  if ((u & 0x7fffffffu) == 0) return drn1_neg(drn1_inf());
  if (u == 0x7f800000u) return x;
  int k = 0;
  if (u < 0x00800000u) {
    u = (unsigned)__float_as_int(__fmul_rn(x, 0x1p23f));
    k = -23;
  }
  u += 0x3f800000u - 0x3f3504f3u;
  k += (int)(u >> 23) - 127;
  float m = __int_as_float((int)((u & 0x007fffffu) + 0x3f3504f3u));
  float f = __fsub_rn(m, 1.0f), e = __int2float_rn(k), z = __fmul_rn(f, f);
  float p = 0x1.2cb38cp-4f;
  p = drn1_mad(p, f, -0x1.ddb316p-4f);
  p = drn1_mad(p, f, 0x1.dc7628p-4f);
  p = drn1_mad(p, f, -0x1.fbbf2ap-4f);
  p = drn1_mad(p, f, 0x1.23de3ep-3f);
  p = drn1_mad(p, f, -0x1.556288p-3f);
  p = drn1_mad(p, f, 0x1.999d2ap-3f);
  p = drn1_mad(p, f, -0x1.ffffe6p-3f);
  p = drn1_mad(p, f, 0x1.555554p-2f);
  float c = __fmul_rn(__fmul_rn(f, z), p);
  c = drn1_mad(e, -0x1.bd0106p-13f, c);
  c = drn1_mad(-0.5f, z, c);
  return drn1_mad(e, 0x1.63p-1f, __fadd_rn(f, c));
}

// tanh.go
__device__ __forceinline__ float drn1_tanh(float x) {
  if (x != x) return drn1_nan();
  float a = drn1_abs(x), y;
  if (a < 0.625f) {
    float u = __fmul_rn(a, a), p = 0x1.3acde6p-9f;
    p = drn1_mad(p, u, -0x1.1547fap-7f);
    p = drn1_mad(p, u, 0x1.656cb2p-6f);
    p = drn1_mad(p, u, -0x1.ba19acp-5f);
    p = drn1_mad(p, u, 0x1.111136p-3f);
    p = drn1_mad(p, u, -0x1.555556p-2f);
    y = drn1_mad(__fmul_rn(a, u), p, a);
  } else {
    float b = a > 9.125f ? 9.125f : a;
    float e = drn1_exp(__fadd_rn(b, b));
    y = __fsub_rn(1.0f, __fdiv_rn(2.0f, __fadd_rn(e, 1.0f)));
  }
  return drn1_copysign(y, x);
}

// erf.go
__device__ __forceinline__ float drn1_erf(float x) {
  if (x != x) return drn1_nan();
  float a = drn1_abs(x), y;
  if (a < 0.96875f) {
    float u = __fmul_rn(a, a), p = -0x1.1805ap-17f;
    p = drn1_mad(p, u, 0x1.c49efp-14f);
    p = drn1_mad(p, u, -0x1.b93b3cp-11f);
    p = drn1_mad(p, u, 0x1.55d664p-8f);
    p = drn1_mad(p, u, -0x1.b82186p-6f);
    p = drn1_mad(p, u, 0x1.ce2e9ep-4f);
    p = drn1_mad(p, u, -0x1.812744p-2f);
    p = drn1_mad(p, u, 0x1.06eba8p-3f);
    y = drn1_mad(a, p, a);
  } else {
    float b = a > 3.9375f ? 3.9375f : a, g = 0x1.20d19cp-25f;
    g = drn1_mad(g, b, -0x1.3f9212p-19f);
    g = drn1_mad(g, b, 0x1.be1742p-15f);
    g = drn1_mad(g, b, -0x1.4d2624p-11f);
    g = drn1_mad(g, b, 0x1.407bcep-8f);
    g = drn1_mad(g, b, -0x1.b58cdap-6f);
    g = drn1_mad(g, b, 0x1.c486a6p-4f);
    g = drn1_mad(g, b, 0x1.435116p-1f);
    g = drn1_mad(g, b, 0x1.216222p0f);
    g = drn1_mad(g, b, -0x1.750988p-12f);
    y = __fsub_rn(1.0f, drn1_exp(drn1_neg(g)));
  }
  return drn1_copysign(y, x);
}

// rsqrt.go
__device__ __forceinline__ float drn1_rsqrt(float x) { return __fdiv_rn(1.0f, __fsqrt_rn(x)); }

// sigmoid.go
__device__ __forceinline__ float drn1_sigmoid(float x) {
  return __fdiv_rn(1.0f, __fadd_rn(1.0f, drn1_exp(drn1_neg(x))));
}

// ---- elementwise kernels ----

// drn1_is_vector says that p allows accesses of 16 bytes.
__device__ __forceinline__ bool drn1_is_vector(const void *p) { return ((unsigned long long)p & 15) == 0; }

// drn1_map computes y[i] = f(x[i]) for the block's 1024 of n elements, with 256 threads. Thread t
// treats four neighbours by accesses of 16 bytes where x and y and the end allow, or else elements
// t, t+256, ... of the block. y may be x.
//
// Floor of a map: 8 bytes an element, so 2.4 ps at 3.35 TB/s (H100 SXM); an exp is 30 operations of
// the 28e12 a second that 132 SMs issue, 1.1 ps, so the maps are bound by memory. Expected: 85 % of
// copy bandwidth and more from 4 MiB on.
template <class F>
__device__ __forceinline__ void drn1_map(int n, const float *x, float *y, F f) {
  int base = blockIdx.x * 1024, t = threadIdx.x;
  if (base + 1024 <= n && drn1_is_vector(x) && drn1_is_vector(y)) {
    float4 v = ((const float4 *)(x + base))[t];
    ((float4 *)(y + base))[t] = make_float4(f(v.x), f(v.y), f(v.z), f(v.w));
    return;
  }
  for (int i = base + t; i < n && i < base + 1024; i += 256) y[i] = f(x[i]);
}

// drn1_map2 is drn1_map of two inputs: z[i] = f(x[i], y[i]). 12 bytes an element.
template <class F>
__device__ __forceinline__ void drn1_map2(int n, const float *x, const float *y, float *z, F f) {
  int base = blockIdx.x * 1024, t = threadIdx.x;
  if (base + 1024 <= n && drn1_is_vector(x) && drn1_is_vector(y) && drn1_is_vector(z)) {
    float4 a = ((const float4 *)(x + base))[t], b = ((const float4 *)(y + base))[t];
    ((float4 *)(z + base))[t] = make_float4(f(a.x, b.x), f(a.y, b.y), f(a.z, b.z), f(a.w, b.w));
    return;
  }
  for (int i = base + t; i < n && i < base + 1024; i += 256) z[i] = f(x[i], y[i]);
}

// drn1_map_at is drn1_map of a function of the element and its index: y[i] = f(x[i], i).
template <class F>
__device__ __forceinline__ void drn1_map_at(int n, const float *x, float *y, F f) {
  int base = blockIdx.x * 1024, t = threadIdx.x;
  if (base + 1024 <= n && drn1_is_vector(x) && drn1_is_vector(y)) {
    float4 v = ((const float4 *)(x + base))[t];
    int i = base + 4 * t;
    ((float4 *)(y + base))[t] = make_float4(f(v.x, i), f(v.y, i + 1), f(v.z, i + 2), f(v.w, i + 3));
    return;
  }
  for (int i = base + t; i < n && i < base + 1024; i += 256) y[i] = f(x[i], i);
}
