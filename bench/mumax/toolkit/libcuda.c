// SPDX-License-Identifier: GPL-3.0-or-later

// The functions of libcuda under their own names, each passing its call on to the library that
// toolkit_load found. Before that they answer that there is no device. They are hidden, so that the
// driver, which looks its own functions up by name, never finds these.
#define _GNU_SOURCE
#include "include/cuda.h"

#include <dlfcn.h>
#include <stdio.h>

#define SLOT(name, params, args) static CUresult (*real_##name) params;
CUDA_FUNCTIONS(SLOT)

#define FORWARD(name, params, args) \
  __attribute__((visibility("hidden"))) CUresult name params { return real_##name ? real_##name args : CUDA_ERROR_NO_DEVICE; }
CUDA_FUNCTIONS(FORWARD)

int toolkit_load(const char *path, char *why, size_t len) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *text = dlerror();
    snprintf(why, len, "%s", text ? text : "dlopen failed");
    return 1;
  }
#define FIND(name, params, args) \
  if (!(*(void **)&real_##name = dlsym(library, #name))) { \
    snprintf(why, len, "%s lacks %s", path, #name); \
    return 1; \
  }
  CUDA_FUNCTIONS(FIND)
  return 0;
}
