// SPDX-License-Identifier: GPL-3.0-or-later

// A libcuda without a GPU that serves verifyd and mumax3 at once, for the tests. Device memory is host
// memory, work runs when it is enqueued, and the few kernels that are measured are written out below, in
// the order of additions that the real ones have. What a driver would not survive, such as one
// library's memory in the other's context, is an error as the driver's.
//
// The environment asks for faults: DRIVER_DRIFT=K gives verifyd's K-th sum another last bit,
// DRIVER_MEMORY=BYTES is all the device has.
#include "../../../cgo/libcuda.h"
#undef CUDA_FUNCTIONS // both headers list what they declare under this name
#include "../toolkit/include/cuda.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct CUctx_st { int unused; };
struct CUmod_st { CUcontext ctx; char *image; };
struct CUfunc_st { CUcontext ctx; char name[32]; };
struct op { char name[32]; uint64_t args[8]; struct op *next; };
struct CUgraph_st { int n; struct op *first, **last; };
struct CUgraphExec_st { struct op *first; };
struct CUstream_st { CUgraph graph; };
struct CUevent_st { int unused; };

static struct CUctx_st primary, created;
static __thread CUcontext current;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { char *p; size_t n; CUcontext ctx; } blocks[256];
static size_t taken;
static int sums;

enum { OK, INVALID = 1, MEMORY = 2, NO_CONTEXT = 201, BAD_HANDLE = 400, NOT_FOUND = 500, ILLEGAL = 700 };
#define NEED(condition, code) if (!(condition)) return (code)
#define IN_CONTEXT NEED(current, NO_CONTEXT)

static long from_environment(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text ? atol(text) : otherwise;
}

// owned says whether n bytes from p on are device memory of the current context.
static int owned(CUdeviceptr p, size_t n) {
  int found = 0;
  pthread_mutex_lock(&lock);
  for (int i = 0; i < 256; i++)
    found |= blocks[i].p && (char *)p >= blocks[i].p && (char *)p + n <= blocks[i].p + blocks[i].n && blocks[i].ctx == current;
  pthread_mutex_unlock(&lock);
  return found;
}
static float *at(uint64_t p) { return (float *)(uintptr_t)p; }
static float number(uint64_t bits) { uint32_t u = bits; float f; memcpy(&f, &u, 4); return f; }

// mumax3's reductions, reduce.h: 8 blocks of 512 threads stride over the vector, each block folds its
// threads by halves and adds its number to the result when it happens to be done.
static float term(int square, const float *x, const float *y, int i) { return square ? x[i] * y[i] : x[i]; }
static void reduce(int square, const float *x, const float *y, float *to, float initial, int n) {
  static unsigned seed = 1;
  float block[8];
  for (int b = 0; b < 8; b++) {
    float thread[512];
    for (int t = 0; t < 512; t++) {
      thread[t] = initial;
      for (int i = 512 * b + t; i < n; i += 8 * 512) thread[t] += term(square, x, y, i);
    }
    for (int half = 256; half > 0; half /= 2)
      for (int t = 0; t < half; t++) thread[t] += thread[t + half];
    block[b] = thread[0];
  }
  for (int left = 8; left > 0; left--) { // any order
    int b = rand_r(&seed) % left;
    *to += block[b];
    block[b] = block[left - 1];
  }
}

// verifyd's reductions, contract.md section 3: blocks of 65536 in 128 lanes, folded by halves.
static void reduce_blocks(int square, int n, const float *x, float *partial) {
  for (int from = 0, b = 0; from < n || b == 0; from += 65536, b++) {
    float lane[128] = {0};
    for (int i = from; i < n && i < from + 65536; i++) lane[(i - from) % 128] += term(square, x, x, i);
    for (int half = 64; half > 0; half /= 2)
      for (int t = 0; t < half; t++) lane[t] += lane[t + half];
    partial[b] = lane[0];
  }
}

static int run(const char *name, const uint64_t *a) {
#define KERNEL(k) else if (!strcmp(name, k))
  if (0) {}
  KERNEL("mul") for (int i = 0; i < (int)a[3]; i++) at(a[0])[i] = at(a[1])[i] * at(a[2])[i];
  KERNEL("madd2") for (int i = 0; i < (int)a[5]; i++) at(a[0])[i] = fmaf(number(a[2]), at(a[1])[i], number(a[4]) * at(a[3])[i]);
  KERNEL("reducesum") reduce(0, at(a[0]), NULL, at(a[1]), number(a[2]), a[3]);
  KERNEL("reducedot") reduce(1, at(a[0]), at(a[1]), at(a[2]), number(a[3]), a[4]);
  KERNEL("reducemaxabs") for (int i = 0; i < (int)a[3]; i++) at(a[1])[0] = fmaxf(at(a[1])[0], fabsf(at(a[0])[i]));
  KERNEL("drn1_add") for (int i = 0; i < (int)a[0]; i++) at(a[3])[i] = at(a[1])[i] + at(a[2])[i];
  KERNEL("drn1_mul") for (int i = 0; i < (int)a[0]; i++) at(a[3])[i] = at(a[1])[i] * at(a[2])[i];
  KERNEL("drn1_sum_blocks") {
    reduce_blocks(0, a[0], at(a[1]), at(a[2]));
    if (++sums == from_environment("DRIVER_DRIFT", 0)) *at(a[2]) = nextafterf(*at(a[2]), INFINITY);
  }
  KERNEL("drn1_sum_squares_blocks") reduce_blocks(1, a[0], at(a[1]), at(a[2]));
  else return NOT_FOUND;
  return OK;
}

int cuGetErrorName(int code, const char **text) { *text = NULL; return INVALID; }
int cuGetErrorString(int code, const char **text) { *text = "of a driver on paper"; return OK; }
int cuDeviceGetUuid_v2(CUuuid *id, int d) { memset(id, 7, sizeof *id); return OK; }
int cuDeviceGetPCIBusId(char *id, int len, int d) { snprintf(id, len, "0000:01:00.0"); return OK; }
CUresult cuInit(unsigned flags) { return OK; }
CUresult cuDriverGetVersion(int *v) { *v = 12080; return OK; }
CUresult cuDeviceGetCount(int *n) { *n = 1; return OK; }
CUresult cuDeviceGet(CUdevice *d, int i) { *d = i; return i ? 101 : OK; }
CUresult cuDeviceGetName(char *name, int len, CUdevice d) { snprintf(name, len, "Paper GPU"); return OK; }
CUresult cuDeviceTotalMem_v2(size_t *n, CUdevice d) { *n = from_environment("DRIVER_MEMORY", 64 << 20); return OK; }
CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice d) {
  *v = a == CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR ? 9 : a == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT ? 132 : a == 97 ? 227 << 10 : 0;
  return OK;
}

int cuDevicePrimaryCtxRetain(CUcontext *c, int d) { *c = &primary; return OK; }
int cuDevicePrimaryCtxRelease_v2(int d) { return OK; }
CUresult cuCtxCreate_v2(CUcontext *c, unsigned flags, CUdevice d) { *c = current = &created; return OK; }
CUresult cuCtxSetCurrent(CUcontext c) { current = c; return OK; }

CUresult cuMemGetInfo_v2(size_t *unused, size_t *total) { cuDeviceTotalMem_v2(total, 0); *unused = *total - taken; return OK; }
CUresult cuMemAlloc_v2(CUdeviceptr *p, size_t n) {
  IN_CONTEXT;
  size_t total = 0;
  cuDeviceTotalMem_v2(&total, 0);
  NEED(taken + n <= total, MEMORY);
  pthread_mutex_lock(&lock);
  int i = 0;
  while (blocks[i].p) i++;
  blocks[i].p = malloc(n), blocks[i].n = n, blocks[i].ctx = current;
  memset(blocks[i].p, 0xff, n);
  *p = (CUdeviceptr)blocks[i].p, taken += n;
  pthread_mutex_unlock(&lock);
  return OK;
}
CUresult cuMemFree_v2(CUdeviceptr p) {
  for (int i = 0; i < 256; i++)
    if (blocks[i].p && blocks[i].p == (char *)p && blocks[i].ctx == current) {
      free(blocks[i].p), taken -= blocks[i].n, blocks[i].p = NULL;
      return OK;
    }
  return INVALID;
}
int cuMemHostAlloc(void **p, size_t n, unsigned flags) { IN_CONTEXT; *p = malloc(n); return OK; }
CUresult cuMemFreeHost(void *p) { free(p); return OK; }

static int copy(void *to, const void *from, size_t n, CUdeviceptr device, CUdeviceptr other) {
  IN_CONTEXT;
  NEED(owned(device, n) && (!other || owned(other, n)), ILLEGAL);
  memmove(to, from, n);
  return OK;
}
CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t n) { return copy((void *)to, from, n, to, 0); }
CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t n) { return copy(to, (void *)from, n, from, 0); }
CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) { return copy((void *)to, (void *)from, n, to, from); }
CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t n, CUstream s) { return cuMemcpyHtoD_v2(to, from, n); }
CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t n, CUstream s) { return cuMemcpyDtoH_v2(to, from, n); }
CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) { return cuMemcpyAsync(to, from, n, s); }
CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value, size_t n) {
  IN_CONTEXT;
  NEED(owned(to, 4 * n), ILLEGAL);
  for (size_t i = 0; i < n; i++) ((uint32_t *)to)[i] = value;
  return OK;
}
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, size_t n, CUstream s) { return cuMemsetD32_v2(to, value, n); }

CUresult cuStreamCreate(CUstream *s, unsigned flags) { IN_CONTEXT; *s = calloc(1, sizeof **s); return OK; }
CUresult cuStreamDestroy_v2(CUstream s) { free(s); return OK; }
CUresult cuStreamSynchronize(CUstream s) { NEED(current == &created, NO_CONTEXT); return OK; } // mumax3 alone calls it, in its own context
int cuStreamWaitEvent(CUstream s, CUevent e, unsigned flags) { return OK; }
int cuEventCreate(CUevent *e, unsigned flags) { IN_CONTEXT; *e = calloc(1, sizeof **e); return OK; }
int cuEventDestroy_v2(CUevent e) { free(e); return OK; }
int cuEventRecord(CUevent e, CUstream s) { return OK; }
int cuEventQuery(CUevent e) { return OK; }
int cuEventElapsedTime(float *ms, CUevent from, CUevent to) { *ms = 1; return OK; }

int cuStreamBeginCapture_v2(CUstream s, int mode) {
  s->graph = calloc(1, sizeof *s->graph);
  s->graph->last = &s->graph->first;
  return OK;
}
int cuStreamEndCapture(CUstream s, CUgraph *graph) { *graph = s->graph; s->graph = NULL; return OK; }
int cuGraphGetNodes(CUgraph graph, CUgraphNode *nodes, size_t *n) { *n = graph->n; return OK; }
int cuGraphInstantiateWithFlags(CUgraphExec *exec, CUgraph graph, unsigned long long flags) {
  *exec = calloc(1, sizeof **exec);
  (*exec)->first = graph->first;
  return OK;
}
int cuGraphLaunch(CUgraphExec exec, CUstream s) {
  int code = OK;
  for (struct op *o = exec->first; o && !code; o = o->next) code = run(o->name, o->args);
  return code;
}
int cuGraphExecDestroy(CUgraphExec exec) { free(exec); return OK; }
int cuGraphDestroy(CUgraph graph) { free(graph); return OK; }

CUresult cuModuleLoadData(CUmodule *m, const void *image) {
  IN_CONTEXT;
  NEED(!strncmp(image, "\n//", 3) || strstr(image, ".version"), 200);
  *m = calloc(1, sizeof **m);
  (*m)->ctx = current, (*m)->image = strdup(image);
  return OK;
}
int cuModuleLoadDataEx(CUmodule *m, const void *image, unsigned n, int *options, void **values) { return cuModuleLoadData(m, image); }
int cuModuleUnload(CUmodule m) { free(m->image), free(m); return OK; }
CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
  char entry[64];
  snprintf(entry, sizeof entry, ".entry %s(", name);
  NEED(m->ctx == current, BAD_HANDLE);
  NEED(strstr(m->image, entry), NOT_FOUND);
  *f = calloc(1, sizeof **f);
  (*f)->ctx = current;
  snprintf((*f)->name, sizeof (*f)->name, "%s", name);
  return OK;
}
CUresult cuFuncGetAttribute(int *v, CUfunction_attribute a, CUfunction f) { *v = a == CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK ? 1024 : 0; return OK; }
int cuFuncSetAttribute(CUfunction f, int attribute, int value) { return OK; }

CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream s,
                        void **params, void **extra) {
  // The letters of a kernel's parameters: p is an address, w 32 bits.
  static const struct { const char *name, *kinds; } known[] = {
      {"mul", "pppw"}, {"madd2", "ppwpww"}, {"reducesum", "ppww"}, {"reducedot", "pppww"}, {"reducemaxabs", "ppww"},
      {"drn1_add", "wppp"}, {"drn1_mul", "wppp"}, {"drn1_sum_blocks", "wpp"}, {"drn1_sum_squares_blocks", "wpp"}};
  NEED(f->ctx == current, BAD_HANDLE);
  struct op o = {{0}};
  snprintf(o.name, sizeof o.name, "%s", f->name);
  for (size_t k = 0; k < sizeof known / sizeof *known; k++)
    for (int i = 0; !strcmp(known[k].name, o.name) && known[k].kinds[i]; i++) {
      int address = known[k].kinds[i] == 'p';
      o.args[i] = address ? *(uint64_t *)params[i] : *(uint32_t *)params[i];
      NEED(!address || owned(o.args[i], 4), ILLEGAL);
    }
  if (!s || !s->graph) return run(o.name, o.args);
  *s->graph->last = malloc(sizeof o);
  **s->graph->last = o;
  s->graph->last = &(*s->graph->last)->next;
  s->graph->n++;
  return OK;
}

// Looked up, and never called by what is measured.
#define ABSENT(name) CUresult name { return CUDA_ERROR_NOT_SUPPORTED; }
ABSENT(cuDeviceCanAccessPeer(int *can, CUdevice device, CUdevice peer))
ABSENT(cuCtxDestroy_v2(CUcontext ctx))
ABSENT(cuCtxGetCurrent(CUcontext *ctx))
ABSENT(cuCtxGetDevice(CUdevice *device))
ABSENT(cuCtxGetApiVersion(CUcontext ctx, unsigned *version))
ABSENT(cuCtxSynchronize(void))
ABSENT(cuCtxEnablePeerAccess(CUcontext peer, unsigned flags))
ABSENT(cuCtxDisablePeerAccess(CUcontext peer))
ABSENT(cuModuleLoad(CUmodule *module, const char *path))
ABSENT(cuStreamQuery(CUstream s))
ABSENT(cuMemAllocHost_v2(void **p, size_t bytes))
ABSENT(cuMemGetAddressRange_v2(CUdeviceptr *base, size_t *bytes, CUdeviceptr p))
ABSENT(cuPointerGetAttribute(void *value, CUpointer_attribute attribute, CUdeviceptr p))
ABSENT(cuMemcpy(CUdeviceptr to, CUdeviceptr from, size_t bytes))
ABSENT(cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes))
ABSENT(cuMemcpyPeer(CUdeviceptr to, CUcontext there, CUdeviceptr from, CUcontext here, size_t bytes))
ABSENT(cuMemcpyPeerAsync(CUdeviceptr to, CUcontext there, CUdeviceptr from, CUcontext here, size_t bytes, CUstream s))
ABSENT(cuMemsetD8_v2(CUdeviceptr to, unsigned char value, size_t n))
ABSENT(cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t n, CUstream s))
