// The tables of functions that dlopen fills, and one way to call each entry. Every call of libcuda
// first makes its context current on the thread that it happens to run on, and puts the rounding of
// that thread back afterwards.
#ifndef VERIFYD_LIBRARY_H
#define VERIFYD_LIBRARY_H

#include "libcuda.h"

#define UNPAREN(...) __VA_ARGS__

#define DECLARE(name, params, args) int (*name) params;
struct cuda {
  int (*cuCtxSetCurrent)(CUcontext);
  CUDA_FUNCTIONS(DECLARE)
};
struct nvml {
  int (*nvmlInit_v2)(void);
  int (*nvmlShutdown)(void);
  const char *(*nvmlErrorString)(int);
  NVML_FUNCTIONS(DECLARE)
};
#undef DECLARE

// What loading a library found. The text of an error is written to why.
enum { LIBRARY_LOADED, LIBRARY_MISSING, LIBRARY_INCOMPLETE };
int verifyd_load_cuda(const char *path, struct cuda *c, char *why, size_t len);
int verifyd_load_nvml(const char *path, struct nvml *n, char *why, size_t len);

// How the thread rounds. A library that was linked with fast maths sets whichever thread loads it to
// flush subnormal numbers, and libcuda loads others when it needs them, such as its compiler.
#if defined(__x86_64__)
static inline uint64_t verifyd_rounding(void) { return __builtin_ia32_stmxcsr(); }
static inline void verifyd_set_rounding(uint64_t r) { __builtin_ia32_ldmxcsr((uint32_t)r); }
#elif defined(__aarch64__)
static inline uint64_t verifyd_rounding(void) {
  uint64_t r;
  __asm__ volatile("mrs %0, fpcr" : "=r"(r));
  return r;
}
static inline void verifyd_set_rounding(uint64_t r) { __asm__ volatile("msr fpcr, %0" : : "r"(r)); }
#else
static inline uint64_t verifyd_rounding(void) { return 0; }
static inline void verifyd_set_rounding(uint64_t r) { (void)r; }
#endif

#define CALL(name, params, args) \
  static inline int verifyd_##name(struct cuda *c_, CUcontext ctx_, UNPAREN params) { \
    uint64_t rounding_ = verifyd_rounding(); \
    int code_ = ctx_ ? c_->cuCtxSetCurrent(ctx_) : 0; \
    if (!code_) code_ = c_->name args; \
    verifyd_set_rounding(rounding_); \
    return code_; \
  }
CUDA_FUNCTIONS(CALL)
#undef CALL

#define CALL(name, params, args) \
  static inline int verifyd_##name(struct nvml *n_, UNPAREN params) { return n_->name args; }
NVML_FUNCTIONS(CALL)
#undef CALL
static inline int verifyd_nvmlInit(struct nvml *n) {
  uint64_t rounding = verifyd_rounding();
  int code = n->nvmlInit_v2();
  verifyd_set_rounding(rounding);
  return code;
}
static inline int verifyd_nvmlShutdown(struct nvml *n) { return n->nvmlShutdown(); }
static inline const char *verifyd_nvmlErrorString(struct nvml *n, int code) { return n->nvmlErrorString(code); }

// LAUNCH_ARGS bounds the parameters of a kernel.
enum { LAUNCH_ARGS = 64 };

// verifyd_launch gives the kernel the address of each boxed argument. A 32-bit argument lies in the
// low half of its box, which is where it is read from on a little-endian host.
static inline int verifyd_launch(struct cuda *c, CUcontext ctx, CUfunction f, const uint32_t *dim, unsigned shared,
                                 CUstream s, uint64_t *args, int n) {
  void *params[LAUNCH_ARGS];
  for (int i = 0; i < n; i++) params[i] = &args[i];
  return verifyd_cuLaunchKernel(c, ctx, f, dim[0], dim[1], dim[2], dim[3], dim[4], dim[5], shared, s, params, NULL);
}

// verifyd_load_module compiles PTX and fills the two logs, each of len bytes, with text.
static inline int verifyd_load_module(struct cuda *c, CUcontext ctx, CUmodule *m, const void *ptx, char *info, char *error,
                                      uintptr_t len) {
  // INFO_LOG_BUFFER, its size, ERROR_LOG_BUFFER, its size, LOG_VERBOSE
  int options[] = {3, 4, 5, 6, 12};
  void *values[] = {info, (void *)len, error, (void *)len, (void *)(uintptr_t)1};
  return verifyd_cuModuleLoadDataEx(c, ctx, m, ptx, 5, options, values);
}

#endif
