//go:build cgo && linux

#define _GNU_SOURCE
#include "library.h"

#include <dlfcn.h>
#include <stdio.h>

static void *open_library(const char *path, char *why, size_t len) {
  uint64_t r = verifyd_rounding();
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  verifyd_set_rounding(r);
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
