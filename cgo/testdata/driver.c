// A libcuda and an NVML without a GPU, for the tests. Device memory is host memory and work runs when
// it is enqueued. The folder of the library holds its two other files:
//
//   control  what to do, a line each, read at every call (see obey below)
//   log      what happened, a line each: "call NAME", "+KIND" made, "-KIND" released, "~KIND" released
//            with its context, "launch NAME GRID BLOCK SHARED", "bad NAME WHY" for what a driver would
//            not survive
#define _GNU_SOURCE
#include "libcuda.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Linked in where the kernels of kernels/*.cu are to be run (kernels.cpp): the letters of a kernel's
// parameters, or NULL, and the kernel itself.
__attribute__((weak)) const char *kernel_kinds(const char *name);
__attribute__((weak)) void run_kernel(const char *name, const unsigned *dim, unsigned shared, const uint64_t *args);

enum { NOT_READY = 600, LOST = 700 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread struct CUctx_st *current;
static int context_users, poison;
static char run[64];

// What control asks for.
static struct {
  int version, devices, capability, hang, blocked;
  long memory;
} asked;

// Calls so far in this run, of one name and of all.
static struct { char name[48]; int n; } counts[128];
static int calls;

typedef struct object {
  const char *kind;
  void *p;
  size_t bytes;
  struct object *next;
} object;
static object *live;

struct CUctx_st { int unused; };
static struct CUctx_st primary;

// Work, as a graph keeps it.
typedef struct op {
  enum { LAUNCH, COPY, FILL } what;
  char name[64];
  uint64_t a[32];
  unsigned dim[6], shared;
  struct op *next;
} op;
struct CUgraph_st { op *first; int n; };
struct CUgraphExec_st { op *first; };
struct CUstream_st { struct CUgraph_st *graph; pthread_t thread; };
struct CUevent_st { int recorded; };
struct CUfunc_st { char name[64]; int dynamic; struct CUfunc_st *next; };
struct CUmod_st { char *image; struct CUfunc_st *functions; };
struct nvmlDevice_st { int unused; };
static struct nvmlDevice_st monitored;
static struct nvmlEventSet_st *event_set;
static int monitors;

static void write_log(const char *format, ...) {
  char line[256];
  va_list args;
  va_start(args, format);
  int n = vsnprintf(line, sizeof line, format, args);
  va_end(args);
  static char path[4096];
  if (!*path) {
    Dl_info self;
    dladdr((void *)write_log, &self);
    snprintf(path, sizeof path, "%s", self.dli_fname);
    strcpy(strrchr(path, '/') + 1, "log");
  }
  int f = open(path, O_WRONLY | O_APPEND);
  if (f < 0) return; // the test is over
  if (write(f, line, n) != n) abort();
  close(f);
}

static void bad(const char *name, const char *why) { write_log("bad %s %s\n", name, why); }

// obey reads control: "run ID" (another ID starts the counts again), "fail NAME K CODE" (the K-th call
// of NAME, or of all for *), "block NAME", "hang", "version V", "devices N", "capability C", "memory BYTES".
static int obey(const char *name) {
  Dl_info self;
  dladdr((void *)obey, &self);
  char path[4096], text[2048];
  snprintf(path, sizeof path, "%s", self.dli_fname);
  strcpy(strrchr(path, '/') + 1, "control");
  int f = open(path, O_RDONLY);
  ssize_t n = f < 0 ? 0 : read(f, text, sizeof text - 1);
  if (f >= 0) close(f);
  text[n > 0 ? n : 0] = 0;
  asked.version = 12040, asked.devices = 1, asked.capability = 90, asked.hang = asked.blocked = 0, asked.memory = 64 << 20;
  int code = 0, k, c;
  char who[64], *rest;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    if (sscanf(line, "run %63s", who) == 1 && strcmp(who, run)) {
      strcpy(run, who);
      memset(counts, 0, sizeof counts);
      calls = 0;
    }
    sscanf(line, "version %d", &asked.version);
    sscanf(line, "devices %d", &asked.devices);
    sscanf(line, "capability %d", &asked.capability);
    sscanf(line, "memory %ld", &asked.memory);
    if (!strcmp(line, "hang")) asked.hang = 1;
    if (sscanf(line, "block %63s", who) == 1 && !strcmp(who, name)) asked.blocked = 1;
    if (sscanf(line, "fail %63s %d %d", who, &k, &c) == 3) {
      int i = 0;
      for (; counts[i].n && strcmp(counts[i].name, name); i++) {}
      int at = strcmp(who, "*") ? (strcmp(who, name) ? -1 : counts[i].n) : calls;
      if (at == k) code = c;
    }
  }
  return code;
}

static void count(const char *name) {
  int i = 0;
  for (; counts[i].n && strcmp(counts[i].name, name); i++) {}
  strcpy(counts[i].name, name);
  counts[i].n++;
  calls++;
}

static int enter(const char *name) {
  pthread_mutex_lock(&lock);
  write_log("call %s\n", name);
  int code = obey(name);
  while (asked.blocked) {
    pthread_mutex_unlock(&lock);
    usleep(2000);
    pthread_mutex_lock(&lock);
    code = obey(name);
  }
  count(name);
  return code;
}

static int leave(int code) {
  pthread_mutex_unlock(&lock);
  return code;
}

static void *make(const char *kind, void *p, size_t bytes) {
  object *o = malloc(sizeof *o);
  *o = (object){kind, p, bytes, live};
  live = o;
  write_log("+%s\n", kind);
  return p;
}

static object *find(const char *kind, void *p) {
  for (object *o = live; o; o = o->next)
    if (o->p == p && !strcmp(o->kind, kind)) return o;
  return NULL;
}

static void forget(object *o, char how) {
  object **at = &live;
  while (*at != o) at = &(*at)->next;
  *at = o->next;
  write_log("%c%s\n", how, o->kind);
  if (!strcmp(o->kind, "device") || !strcmp(o->kind, "pinned")) free(o->p);
  free(o);
}

static int release(const char *name, const char *kind, void *p) {
  object *o = find(kind, p);
  if (!o) return bad(name, "unknown handle"), 400;
  forget(o, '-');
  return 0;
}

#define ENTER(name) \
  int code = enter(#name); \
  if (code) return leave(code);
// IN_CONTEXT is ENTER of a function that needs a context.
#define IN_CONTEXT(name) \
  ENTER(name) \
  if (!current || !context_users) return bad(#name, "no context"), leave(201); \
  if (poison) return leave(poison);
#define NEED(name, kind, p) \
  if (!find(kind, p)) return bad(#name, "unknown " kind), leave(400);

static void flush_subnormals(void) {
#if defined(__x86_64__)
  __builtin_ia32_ldmxcsr(0x9fc0);
#endif
}
__attribute__((constructor)) static void fast_maths(void) { flush_subnormals(); }

int cuInit(unsigned flags) { ENTER(cuInit) flush_subnormals(); return leave(0); }
int cuDriverGetVersion(int *v) { ENTER(cuDriverGetVersion) *v = asked.version; return leave(0); }
int cuGetErrorName(int c, const char **text) { *text = c == 2 ? "CUDA_ERROR_OUT_OF_MEMORY" : NULL; return c == 2 ? 0 : 1; }
int cuGetErrorString(int c, const char **text) { *text = "as the test asked"; return 0; }
int cuDeviceGetCount(int *n) { ENTER(cuDeviceGetCount) *n = asked.devices; return leave(0); }
int cuDeviceGet(int *d, int i) { ENTER(cuDeviceGet) *d = i; return leave(i < 0 || i >= asked.devices ? 101 : 0); }
int cuDeviceGetName(char *s, int n, int d) { ENTER(cuDeviceGetName) snprintf(s, n, "Paper GPU"); return leave(0); }
int cuDeviceGetUuid_v2(CUuuid *u, int d) { ENTER(cuDeviceGetUuid_v2) for (int i = 0; i < 16; i++) u->bytes[i] = i; return leave(0); }
int cuDeviceGetPCIBusId(char *s, int n, int d) { ENTER(cuDeviceGetPCIBusId) snprintf(s, n, "0000:1b:00.0"); return leave(0); }
int cuDeviceTotalMem_v2(size_t *n, int d) { ENTER(cuDeviceTotalMem_v2) *n = asked.memory; return leave(0); }

int cuDeviceGetAttribute(int *v, int a, int d) {
  ENTER(cuDeviceGetAttribute)
  switch (a) {
  case 16: *v = 132; break;
  case 32: *v = 1; break;
  case 75: *v = asked.capability / 10; break;
  case 76: *v = asked.capability % 10; break;
  case 97: *v = 227 << 10; break;
  default: return leave(1);
  }
  return leave(0);
}

int cuDevicePrimaryCtxRetain(CUcontext *c, int d) {
  ENTER(cuDevicePrimaryCtxRetain)
  context_users++;
  make("context", &primary, 0);
  *c = &primary;
  return leave(0);
}

int cuDevicePrimaryCtxRelease_v2(int d) {
  ENTER(cuDevicePrimaryCtxRelease_v2)
  if (!context_users) return bad("cuDevicePrimaryCtxRelease_v2", "not retained"), leave(201);
  release("cuDevicePrimaryCtxRelease_v2", "context", &primary);
  if (!--context_users) {
    for (object *o = live, *next; o; o = next) {
      next = o->next;
      if (strncmp(o->kind, "nvml", 4)) forget(o, '~');
    }
    poison = 0;
  }
  return leave(0);
}

int cuCtxSetCurrent(CUcontext c) { ENTER(cuCtxSetCurrent) current = c; return leave(0); }

static size_t device_bytes(void) {
  size_t n = 0;
  for (object *o = live; o; o = o->next)
    if (!strcmp(o->kind, "device")) n += o->bytes;
  return n;
}

int cuMemGetInfo_v2(size_t *f, size_t *t) { IN_CONTEXT(cuMemGetInfo_v2) *t = asked.memory; *f = *t - device_bytes(); return leave(0); }

int cuMemAlloc_v2(CUdeviceptr *p, size_t n) {
  IN_CONTEXT(cuMemAlloc_v2)
  if (device_bytes() + n > (size_t)asked.memory) return leave(2);
  void *m = aligned_alloc(512, (n + 511) / 512 * 512);
  memset(m, 0xa5, n);
  *p = (CUdeviceptr)(uintptr_t)make("device", m, n);
  return leave(0);
}
int cuMemFree_v2(CUdeviceptr p) { IN_CONTEXT(cuMemFree_v2) return leave(release("cuMemFree_v2", "device", (void *)(uintptr_t)p)); }
int cuMemHostAlloc(void **p, size_t n, unsigned f) { IN_CONTEXT(cuMemHostAlloc) *p = make("pinned", malloc(n), n); return leave(0); }
int cuMemFreeHost(void *p) { IN_CONTEXT(cuMemFreeHost) return leave(release("cuMemFreeHost", "pinned", p)); }

static void execute(op *o) {
  if (o->what == COPY) memmove((void *)o->a[0], (void *)o->a[1], o->a[2]);
  if (o->what == FILL)
    for (uint64_t i = 0; i < o->a[2]; i++) ((uint32_t *)o->a[0])[i] = o->a[1];
  if (o->what == LAUNCH && kernel_kinds && kernel_kinds(o->name)) run_kernel(o->name, o->dim, o->shared, o->a);
  if (o->what == LAUNCH) {
    uint32_t *to = (uint32_t *)o->a[0];
    if (!strcmp(o->name, "copy_words")) memmove(to, (void *)o->a[1], 4 * (uint32_t)o->a[2]);
    if (!strcmp(o->name, "write_scalars")) for (int i = 0; i < 3; i++) to[i] = (uint32_t)o->a[1 + i];
    if (!strcmp(o->name, "increment")) to[0]++;
    if (!strcmp(o->name, "trap")) poison = LOST;
  }
}

static void enqueue(CUstream s, op o) {
  if (!s->graph) return execute(&o);
  op **end = &s->graph->first;
  while (*end) end = &(*end)->next;
  *end = memcpy(malloc(sizeof o), &o, sizeof o);
  s->graph->n++;
}

#define ENQUEUE(name, ...) \
  IN_CONTEXT(name) NEED(name, "stream", s) enqueue(s, (op){__VA_ARGS__}); return leave(0);
int cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t n, CUstream s) { ENQUEUE(cuMemcpyHtoDAsync_v2, COPY, "", {to, (uintptr_t)from, n}) }
int cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t n, CUstream s) { ENQUEUE(cuMemcpyDtoHAsync_v2, COPY, "", {(uintptr_t)to, from, n}) }
int cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t n, CUstream s) { ENQUEUE(cuMemcpyDtoDAsync_v2, COPY, "", {to, from, n}) }
int cuMemsetD32Async(CUdeviceptr to, unsigned v, size_t n, CUstream s) { ENQUEUE(cuMemsetD32Async, FILL, "", {to, v, n}) }

int cuStreamCreate(CUstream *s, unsigned f) { IN_CONTEXT(cuStreamCreate) flush_subnormals(); *s = make("stream", calloc(1, sizeof **s), 0); return leave(0); }
int cuStreamDestroy_v2(CUstream s) { IN_CONTEXT(cuStreamDestroy_v2) return leave(release("cuStreamDestroy_v2", "stream", s)); }
int cuStreamWaitEvent(CUstream s, CUevent e, unsigned f) { IN_CONTEXT(cuStreamWaitEvent) NEED(cuStreamWaitEvent, "event", e) return leave(0); }

int cuStreamBeginCapture_v2(CUstream s, int mode) {
  IN_CONTEXT(cuStreamBeginCapture_v2)
  s->graph = make("graph", calloc(1, sizeof *s->graph), 0);
  s->thread = pthread_self();
  return leave(0);
}
int cuStreamEndCapture(CUstream s, CUgraph *g) {
  int code = enter("cuStreamEndCapture");
  *g = NULL;
  struct CUgraph_st *graph = s->graph;
  s->graph = NULL;
  if (!graph) return leave(901);
  if (!pthread_equal(s->thread, pthread_self())) bad("cuStreamEndCapture", "on another thread"), code = 908;
  if (code || poison) return release("cuStreamEndCapture", "graph", graph), leave(code ? code : poison);
  *g = graph;
  return leave(0);
}

int cuEventCreate(CUevent *e, unsigned f) { IN_CONTEXT(cuEventCreate) *e = make("event", calloc(1, sizeof **e), 0); return leave(0); }
int cuEventDestroy_v2(CUevent e) { IN_CONTEXT(cuEventDestroy_v2) return leave(release("cuEventDestroy_v2", "event", e)); }
int cuEventRecord(CUevent e, CUstream s) { IN_CONTEXT(cuEventRecord) NEED(cuEventRecord, "stream", s) NEED(cuEventRecord, "event", e) return leave(0); }
int cuEventQuery(CUevent e) { IN_CONTEXT(cuEventQuery) NEED(cuEventQuery, "event", e) return leave(asked.hang ? NOT_READY : 0); }
int cuEventElapsedTime(float *ms, CUevent a, CUevent b) { IN_CONTEXT(cuEventElapsedTime) *ms = 1.5f; return leave(0); }

int cuGraphGetNodes(CUgraph g, CUgraphNode *nodes, size_t *n) { IN_CONTEXT(cuGraphGetNodes) *n = g->n; return leave(0); }
int cuGraphInstantiateWithFlags(CUgraphExec *e, CUgraph g, unsigned long long f) {
  IN_CONTEXT(cuGraphInstantiateWithFlags) NEED(cuGraphInstantiateWithFlags, "graph", g)
  *e = make("exec", calloc(1, sizeof **e), 0);
  (*e)->first = g->first;
  return leave(0);
}
int cuGraphLaunch(CUgraphExec e, CUstream s) {
  IN_CONTEXT(cuGraphLaunch) NEED(cuGraphLaunch, "exec", e)
  for (op *o = e->first; o; o = o->next) execute(o);
  return leave(0);
}
int cuGraphExecDestroy(CUgraphExec e) { IN_CONTEXT(cuGraphExecDestroy) return leave(release("cuGraphExecDestroy", "exec", e)); }
int cuGraphDestroy(CUgraph g) { IN_CONTEXT(cuGraphDestroy) return leave(release("cuGraphDestroy", "graph", g)); }

int cuModuleLoadDataEx(CUmodule *m, const void *image, unsigned n, int *options, void **values) {
  IN_CONTEXT(cuModuleLoadDataEx)
  char *info = NULL, *error = NULL;
  size_t info_len = 0, error_len = 0;
  for (unsigned i = 0; i < n; i++) {
    if (options[i] == 3) info = values[i];
    if (options[i] == 4) info_len = (size_t)values[i];
    if (options[i] == 5) error = values[i];
    if (options[i] == 6) error_len = (size_t)values[i];
  }
  if (strstr(image, "corrupt")) return snprintf(error, error_len, "ptxas fatal : syntax error\n"), leave(218);
  snprintf(info, info_len, "ptxas info : Used 8 registers\n");
  *m = make("module", calloc(1, sizeof **m), 0);
  (*m)->image = strdup(image);
  return leave(0);
}
int cuModuleUnload(CUmodule m) { IN_CONTEXT(cuModuleUnload) return leave(release("cuModuleUnload", "module", m)); }
int cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
  char entry[128];
  IN_CONTEXT(cuModuleGetFunction) NEED(cuModuleGetFunction, "module", m)
  snprintf(entry, sizeof entry, ".entry %s(", name);
  if (!strstr(m->image, entry)) return leave(500);
  *f = calloc(1, sizeof **f);
  snprintf((*f)->name, sizeof (*f)->name, "%s", name);
  return leave(0);
}
int cuFuncGetAttribute(int *v, int a, CUfunction f) { IN_CONTEXT(cuFuncGetAttribute) *v = a == 0 ? 1024 : a == 4 ? 8 : 0; return leave(0); }
int cuFuncSetAttribute(CUfunction f, int a, int v) { IN_CONTEXT(cuFuncSetAttribute) if (a == 8) f->dynamic = v; return leave(0); }

int cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream s,
                   void **params, void **extra) {
  IN_CONTEXT(cuLaunchKernel) NEED(cuLaunchKernel, "stream", s)
  if (shared > 48 << 10 && (int)shared > f->dynamic) return leave(1);
  static const struct { const char *name; int wide, narrow; } kernels[] = {
      {"copy_words", 2, 1}, {"write_scalars", 1, 3}, {"increment", 1, 0}, {"trap", 0, 0}};
  op o = {LAUNCH, .dim = {gx, gy, gz, bx, by, bz}, .shared = shared};
  snprintf(o.name, sizeof o.name, "%s", f->name);
  for (size_t k = 0; k < sizeof kernels / sizeof *kernels; k++)
    if (!strcmp(kernels[k].name, f->name))
      for (int i = 0; i < kernels[k].wide + kernels[k].narrow; i++)
        o.a[i] = i < kernels[k].wide ? *(uint64_t *)params[i] : *(uint32_t *)params[i];
  const char *kinds = kernel_kinds ? kernel_kinds(f->name) : NULL;
  for (int i = 0; kinds && kinds[i]; i++) o.a[i] = kinds[i] == 'p' ? *(uint64_t *)params[i] : *(uint32_t *)params[i];
  write_log("launch %s %u %u %u %u %u %u %u\n", f->name, gx, gy, gz, bx, by, bz, shared);
  enqueue(s, o);
  return leave(0);
}

int nvmlInit_v2(void) { ENTER(nvmlInit_v2) make("nvml", &monitors, 0); monitors++; return leave(0); }
int nvmlShutdown(void) { ENTER(nvmlShutdown) monitors--; return leave(release("nvmlShutdown", "nvml", &monitors)); }
const char *nvmlErrorString(int code) { return "as the test asked"; }
int nvmlSystemGetDriverVersion(char *s, unsigned n) { ENTER(nvmlSystemGetDriverVersion) snprintf(s, n, "550.54.15"); return leave(0); }
int nvmlDeviceGetHandleByUUID(const char *uuid, nvmlDevice_t *d) {
  ENTER(nvmlDeviceGetHandleByUUID)
  *d = &monitored;
  return leave(strcmp(uuid, "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f") ? 6 : 0);
}
int nvmlDeviceGetTemperature(nvmlDevice_t d, int sensor, unsigned *c) { ENTER(nvmlDeviceGetTemperature) *c = 41; return leave(0); }
int nvmlDeviceGetEccMode(nvmlDevice_t d, int *on, int *after) { ENTER(nvmlDeviceGetEccMode) *on = *after = 1; return leave(0); }
int nvmlDeviceGetTotalEccErrors(nvmlDevice_t d, int type, int counter, unsigned long long *n) { ENTER(nvmlDeviceGetTotalEccErrors) *n = type ? 1 : 7; return leave(0); }
int nvmlDeviceGetRemappedRows(nvmlDevice_t d, unsigned *a, unsigned *b, unsigned *c, unsigned *e) { ENTER(nvmlDeviceGetRemappedRows) *a = *b = *e = 0; *c = 1; return leave(0); }
int nvmlEventSetCreate(nvmlEventSet_t *s) { ENTER(nvmlEventSetCreate) *s = make("nvml events", &event_set, 0); return leave(0); }
int nvmlEventSetFree(nvmlEventSet_t s) { ENTER(nvmlEventSetFree) return leave(release("nvmlEventSetFree", "nvml events", s)); }
int nvmlDeviceRegisterEvents(nvmlDevice_t d, unsigned long long t, nvmlEventSet_t s) { ENTER(nvmlDeviceRegisterEvents) return leave(0); }
int nvmlEventSetWait_v2(nvmlEventSet_t s, nvmlEventData_t *e, unsigned ms) { ENTER(nvmlEventSetWait_v2) e->type = 8; e->data = 79; return leave(0); }
