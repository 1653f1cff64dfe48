//go:build cgo && linux

#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <stdio.h>

// A library that was linked with fast maths sets the loading thread to flush subnormal numbers.
#if defined(__x86_64__)
static uint32_t rounding(void) { return __builtin_ia32_stmxcsr(); }
static void set_rounding(uint32_t r) { __builtin_ia32_ldmxcsr(r); }
#elif defined(__aarch64__)
static uint64_t rounding(void) {
  uint64_t r;
  __asm__ volatile("mrs %0, fpcr" : "=r"(r));
  return r;
}
static void set_rounding(uint64_t r) { __asm__ volatile("msr fpcr, %0" : : "r"(r)); }
#else
static int rounding(void) { return 0; }
static void set_rounding(int r) { (void)r; }
#endif

static void *open_library(const char *path, char *why, size_t len) {
  __auto_type r = rounding();
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  set_rounding(r);
  if (!library) {
    const char *text = dlerror();
    snprintf(why, len, "%s", text ? text : "dlopen failed");
  }
  return library;
}

static int find(void *library, const char *name, void *to, char *why, size_t len) {
  void *symbol = dlsym(library, name);
  if (!symbol) {
    snprintf(why, len, "it lacks %s", name);
    return 0;
  }
  *(void **)to = symbol;
  return 1;
}

#define FIND(name, params, args) \
  if (!find(library, #name, &table->name, why, len)) return LIBRARY_INCOMPLETE;

int verifyd_load_cuda(const char *path, struct cuda *table, char *why, size_t len) {
  void *library = open_library(path, why, len);
  if (!library) return LIBRARY_MISSING;
  FIND(cuCtxSetCurrent, , )
  CUDA_FUNCTIONS(FIND)
  return LIBRARY_LOADED;
}

int verifyd_load_nvml(const char *path, struct nvml *table, char *why, size_t len) {
  void *library = open_library(path, why, len);
  if (!library) return LIBRARY_MISSING;
  FIND(nvmlInit_v2, , )
  FIND(nvmlShutdown, , )
  FIND(nvmlErrorString, , )
  NVML_FUNCTIONS(FIND)
  return LIBRARY_LOADED;
}

int verifyd_init(struct cuda *c) {
  __auto_type r = rounding();
  int code = c->cuInit(0);
  set_rounding(r);
  return code;
}
