// What the kernels need of CUDA, for g++: runs a .cu on the CPU, one fiber a CUDA thread, block by
// block, warp by warp. __syncthreads, __syncwarp and shuffles are where fibers change; between them
// a thread runs alone, so that a missing barrier shows as stale data, always in the same way.
// Compile with -DVERIFYD_SHIM -mfma -ffp-contract=off.
//
// A barrier that not every thread of the block reaches, and a shuffle that not every thread of the
// warp reaches, end the process with a message. Shared memory is poisoned before each block.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __restrict__ __restrict
// Shared arrays share one section, so that the host finds and poisons them.
#define __shared__ static __attribute__((section("cuda_shared")))
#define VERIFYD_DYNAMIC_SHARED(type, name) type *name = (type *)shim::dynamic_shared

struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) int4 { int x, y, z, w; };
static inline float4 make_float4(float a, float b, float c, float d) { return float4{a, b, c, d}; }
static inline int4 make_int4(int a, int b, int c, int d) { return int4{a, b, c, d}; }

static inline float __fmaf_rn(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline float __fsub_rn(float a, float b) { return a - b; }
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fdiv_rn(float a, float b) { return a / b; }
static inline float __fsqrt_rn(float a) { return __builtin_sqrtf(a); }
static inline float __int2float_rn(int i) { return (float)i; }
static inline float __uint2float_rn(unsigned i) { return (float)i; }
static inline int __float_as_int(float f) { int i; memcpy(&i, &f, 4); return i; }
static inline float __int_as_float(int i) { float f; memcpy(&f, &i, 4); return f; }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }

namespace shim {
struct index3 { int x, y, z; };
// What a fiber waits for.
enum Wait : int { RUN, BLOCK, WARP, DONE };
struct Fiber {
  void *sp;
  char *stack;
  index3 tid;
  int lane, warp, wait, turn;
};
extern Fiber *current;
extern index3 block, block_dim, grid_dim;
extern char *dynamic_shared;
extern uint64_t slots[2][32][32]; // what each lane of each warp shows the others, in every other shuffle
void yield(Wait);
[[noreturn]] void fail(const char *format, ...);

// exchange is what lane from of the warp gives as v.
template <class T> static inline T exchange(unsigned mask, T v, int from) {
  if (mask != 0xffffffffu) fail("a shuffle of a part of a warp: mask %08x", mask);
  static_assert(sizeof(T) <= 8, "a shuffle moves 4 or 8 bytes");
  uint64_t u = 0;
  memcpy(&u, &v, sizeof(T));
  auto &slot = slots[current->turn ^= 1][current->warp]; // its last readers are past the shuffle before this one
  slot[current->lane] = u;
  yield(WARP);
  u = slot[from & 31];
  memcpy(&v, &u, sizeof(T));
  return v;
}

// Kernel is a kernel in the host's table. kinds has a letter for each parameter: p for a pointer,
// w for 32 bits.
struct Kernel {
  const char *name, *kinds;
  void (*call)(const uint64_t *args);
  Kernel *next;
};
extern Kernel *table;

template <class T> struct Kind { static_assert(sizeof(T) == 4, "parameters are pointers or 32-bit numbers"); static constexpr char letter = 'w'; };
template <class T> struct Kind<T *> { static constexpr char letter = 'p'; };
template <class T> static inline T argument(uint64_t u) { T v; memcpy(&v, &u, sizeof(T)); return v; }
template <size_t... I> struct Indices {};
template <size_t N, size_t... I> struct Count : Count<N - 1, N - 1, I...> {};
template <size_t... I> struct Count<0, I...> { typedef Indices<I...> type; };

// Entry puts a kernel into the table.
template <auto F> struct Entry;
template <class... A, void (*F)(A...)> struct Entry<F> {
  template <size_t... I> static void spread(const uint64_t *args, Indices<I...>) { F(argument<A>(args[I])...); }
  static void call(const uint64_t *args) { spread(args, typename Count<sizeof...(A)>::type()); }
  Kernel kernel;
  explicit Entry(const char *name) {
    static const char kinds[] = {Kind<A>::letter..., 0};
    kernel = Kernel{name, kinds, call, table};
    table = &kernel;
  }
};
} // namespace shim

#define threadIdx (shim::current->tid)
#define blockIdx (shim::block)
#define blockDim (shim::block_dim)
#define gridDim (shim::grid_dim)
static inline void __syncthreads() { shim::yield(shim::BLOCK); }
static inline void __syncwarp() { shim::yield(shim::WARP); }
template <class T> static inline T __shfl_xor_sync(unsigned mask, T v, int m) { return shim::exchange(mask, v, shim::current->lane ^ m); }
template <class T> static inline T __shfl_down_sync(unsigned mask, T v, int n) {
  int from = shim::current->lane + n;
  return shim::exchange(mask, v, from > 31 ? shim::current->lane : from);
}
template <class T> static inline T __shfl_sync(unsigned mask, T v, int lane) { return shim::exchange(mask, v, lane); }
static inline unsigned __ballot_sync(unsigned mask, int p) {
  unsigned all = 0;
  for (int i = 0; i < 32; i++) all |= (shim::exchange(mask, p, i) != 0 ? 1u : 0u) << i;
  return all;
}
