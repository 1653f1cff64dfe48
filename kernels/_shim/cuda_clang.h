// What the kernels need of CUDA, for clang without any NVIDIA SDK: plain clang turns the same .cu
// into PTX. Every float operation is an LLVM intrinsic with its rounding written.
#pragma once
#define __global__ __attribute__((global))
#define __device__ __attribute__((device))
#define __shared__ __attribute__((shared))
#define __forceinline__ __inline__ __attribute__((always_inline))
#define __launch_bounds__(...) __attribute__((launch_bounds(__VA_ARGS__)))
#define __restrict__ __restrict
// VERIFYD_DYNAMIC_SHARED declares name as the launch's dynamic shared memory.
#define VERIFYD_DYNAMIC_SHARED(type, name) extern __shared__ __attribute__((aligned(16))) type name[]

struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) int4 { int x, y, z, w; };
__device__ __forceinline__ float4 make_float4(float a, float b, float c, float d) { return float4{a, b, c, d}; }
__device__ __forceinline__ int4 make_int4(int a, int b, int c, int d) { return int4{a, b, c, d}; }

#define VERIFYD_REGISTER(name, dim) \
  struct verifyd_##name##_##dim { __device__ __forceinline__ operator int() const { return (int)__nvvm_read_ptx_sreg_##name##_##dim(); } };
VERIFYD_REGISTER(tid, x) VERIFYD_REGISTER(tid, y) VERIFYD_REGISTER(tid, z)
VERIFYD_REGISTER(ctaid, x) VERIFYD_REGISTER(ctaid, y) VERIFYD_REGISTER(ctaid, z)
VERIFYD_REGISTER(ntid, x) VERIFYD_REGISTER(ntid, y) VERIFYD_REGISTER(ntid, z)
VERIFYD_REGISTER(nctaid, x) VERIFYD_REGISTER(nctaid, y) VERIFYD_REGISTER(nctaid, z)
#undef VERIFYD_REGISTER
struct verifyd_tid { verifyd_tid_x x; verifyd_tid_y y; verifyd_tid_z z; };
struct verifyd_ctaid { verifyd_ctaid_x x; verifyd_ctaid_y y; verifyd_ctaid_z z; };
struct verifyd_ntid { verifyd_ntid_x x; verifyd_ntid_y y; verifyd_ntid_z z; };
struct verifyd_nctaid { verifyd_nctaid_x x; verifyd_nctaid_y y; verifyd_nctaid_z z; };
#define threadIdx (verifyd_tid{})
#define blockIdx (verifyd_ctaid{})
#define blockDim (verifyd_ntid{})
#define gridDim (verifyd_nctaid{})

__device__ __forceinline__ float __fmaf_rn(float a, float b, float c) { return __nvvm_fma_rn_f(a, b, c); }
__device__ __forceinline__ float __fadd_rn(float a, float b) { return __nvvm_add_rn_f(a, b); }
__device__ __forceinline__ float __fsub_rn(float a, float b) { return __nvvm_add_rn_f(a, __builtin_bit_cast(float, __builtin_bit_cast(unsigned, b) ^ 0x80000000u)); }
__device__ __forceinline__ float __fmul_rn(float a, float b) { return __nvvm_mul_rn_f(a, b); }
__device__ __forceinline__ float __fdiv_rn(float a, float b) { return __nvvm_div_rn_f(a, b); }
__device__ __forceinline__ float __fsqrt_rn(float a) { return __nvvm_sqrt_rn_f(a); }
__device__ __forceinline__ float __int2float_rn(int i) { return __nvvm_i2f_rn(i); }
__device__ __forceinline__ float __uint2float_rn(unsigned i) { return __nvvm_ui2f_rn(i); }
__device__ __forceinline__ float __int_as_float(int i) { return __builtin_bit_cast(float, i); }
__device__ __forceinline__ int __float_as_int(float f) { return __builtin_bit_cast(int, f); }
__device__ __forceinline__ unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((unsigned long long)a * b >> 32); }

__device__ __forceinline__ void __syncwarp(unsigned mask = 0xffffffffu) { __nvvm_bar_warp_sync(mask); }
__device__ __forceinline__ float __shfl_xor_sync(unsigned m, float v, int lane) { return __nvvm_shfl_sync_bfly_f32(m, v, lane, 0x1f); }
__device__ __forceinline__ int __shfl_xor_sync(unsigned m, int v, int lane) { return __nvvm_shfl_sync_bfly_i32(m, v, lane, 0x1f); }
__device__ __forceinline__ float __shfl_down_sync(unsigned m, float v, int n) { return __nvvm_shfl_sync_down_f32(m, v, n, 0x1f); }
__device__ __forceinline__ float __shfl_sync(unsigned m, float v, int lane) { return __nvvm_shfl_sync_idx_f32(m, v, lane, 0x1f); }
__device__ __forceinline__ int __shfl_sync(unsigned m, int v, int lane) { return __nvvm_shfl_sync_idx_i32(m, v, lane, 0x1f); }
__device__ __forceinline__ unsigned __ballot_sync(unsigned m, int p) { return __nvvm_vote_ballot_sync(m, p); }
