// The part of the CUDA driver API (CUDA 11.4 and newer) and of NVML that verifyd uses, declared here
// so that no toolkit is needed to build. Types and values follow the references of both libraries at
// docs.nvidia.com: "CUDA Driver API" and "NVML API".
#ifndef VERIFYD_LIBCUDA_H
#define VERIFYD_LIBCUDA_H

#include <stddef.h>
#include <stdint.h>

typedef struct CUctx_st *CUcontext;
typedef struct CUmod_st *CUmodule;
typedef struct CUfunc_st *CUfunction;
typedef struct CUstream_st *CUstream;
typedef struct CUevent_st *CUevent;
typedef struct CUgraph_st *CUgraph;
typedef struct CUgraphExec_st *CUgraphExec;
typedef struct CUgraphNode_st *CUgraphNode;
typedef unsigned long long CUdeviceptr;
typedef struct { unsigned char bytes[16]; } CUuuid;

// One line a function: symbol, parameters, the same as arguments.
#define CUDA_FUNCTIONS(X) \
  X(cuInit, (unsigned flags), (flags)) \
  X(cuDriverGetVersion, (int *version), (version)) \
  X(cuGetErrorName, (int code, const char **text), (code, text)) \
  X(cuGetErrorString, (int code, const char **text), (code, text)) \
  X(cuDeviceGetCount, (int *count), (count)) \
  X(cuDeviceGet, (int *device, int ordinal), (device, ordinal)) \
  X(cuDeviceGetName, (char *name, int len, int device), (name, len, device)) \
  X(cuDeviceGetUuid_v2, (CUuuid *uuid, int device), (uuid, device)) \
  X(cuDeviceGetPCIBusId, (char *id, int len, int device), (id, len, device)) \
  X(cuDeviceTotalMem_v2, (size_t *bytes, int device), (bytes, device)) \
  X(cuDeviceGetAttribute, (int *value, int attribute, int device), (value, attribute, device)) \
  X(cuDevicePrimaryCtxRetain, (CUcontext *ctx, int device), (ctx, device)) \
  X(cuDevicePrimaryCtxRelease_v2, (int device), (device)) \
  X(cuMemGetInfo_v2, (size_t *unused, size_t *total), (unused, total)) \
  X(cuMemAlloc_v2, (CUdeviceptr *p, size_t bytes), (p, bytes)) \
  X(cuMemFree_v2, (CUdeviceptr p), (p)) \
  X(cuMemHostAlloc, (void **p, size_t bytes, unsigned flags), (p, bytes, flags)) \
  X(cuMemFreeHost, (void *p), (p)) \
  X(cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void *from, size_t bytes, CUstream s), (to, from, bytes, s)) \
  X(cuMemcpyDtoHAsync_v2, (void *to, CUdeviceptr from, size_t bytes, CUstream s), (to, from, bytes, s)) \
  X(cuMemcpyDtoDAsync_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream s), (to, from, bytes, s)) \
  X(cuMemsetD32Async, (CUdeviceptr to, unsigned value, size_t words, CUstream s), (to, value, words, s)) \
  X(cuStreamCreate, (CUstream *s, unsigned flags), (s, flags)) \
  X(cuStreamDestroy_v2, (CUstream s), (s)) \
  X(cuStreamWaitEvent, (CUstream s, CUevent e, unsigned flags), (s, e, flags)) \
  X(cuStreamBeginCapture_v2, (CUstream s, int mode), (s, mode)) \
  X(cuStreamEndCapture, (CUstream s, CUgraph *graph), (s, graph)) \
  X(cuEventCreate, (CUevent *e, unsigned flags), (e, flags)) \
  X(cuEventDestroy_v2, (CUevent e), (e)) \
  X(cuEventRecord, (CUevent e, CUstream s), (e, s)) \
  X(cuEventQuery, (CUevent e), (e)) \
  X(cuEventElapsedTime, (float *ms, CUevent from, CUevent to), (ms, from, to)) \
  X(cuGraphGetNodes, (CUgraph graph, CUgraphNode *nodes, size_t *count), (graph, nodes, count)) \
  X(cuGraphInstantiateWithFlags, (CUgraphExec *exec, CUgraph graph, unsigned long long flags), (exec, graph, flags)) \
  X(cuGraphLaunch, (CUgraphExec exec, CUstream s), (exec, s)) \
  X(cuGraphExecDestroy, (CUgraphExec exec), (exec)) \
  X(cuGraphDestroy, (CUgraph graph), (graph)) \
  X(cuModuleLoadDataEx, (CUmodule *module, const void *image, unsigned n, int *options, void **values), (module, image, n, options, values)) \
  X(cuModuleUnload, (CUmodule module), (module)) \
  X(cuModuleGetFunction, (CUfunction *f, CUmodule module, const char *name), (f, module, name)) \
  X(cuFuncGetAttribute, (int *value, int attribute, CUfunction f), (value, attribute, f)) \
  X(cuFuncSetAttribute, (CUfunction f, int attribute, int value), (f, attribute, value)) \
  X(cuLaunchKernel, (CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, \
     unsigned shared, CUstream s, void **params, void **extra), (f, gx, gy, gz, bx, by, bz, shared, s, params, extra))

typedef struct nvmlDevice_st *nvmlDevice_t;
typedef struct nvmlEventSet_st *nvmlEventSet_t;
typedef struct {
  nvmlDevice_t device;
  unsigned long long type, data; // of an Xid event, data is its number
  unsigned gpuInstance, computeInstance;
} nvmlEventData_t;

// Besides these, nvmlInit_v2, nvmlShutdown and nvmlErrorString, whose types differ.
#define NVML_FUNCTIONS(X) \
  X(nvmlSystemGetDriverVersion, (char *version, unsigned len), (version, len)) \
  X(nvmlDeviceGetHandleByUUID, (const char *uuid, nvmlDevice_t *d), (uuid, d)) \
  X(nvmlDeviceGetTemperature, (nvmlDevice_t d, int sensor, unsigned *celsius), (d, sensor, celsius)) \
  X(nvmlDeviceGetEccMode, (nvmlDevice_t d, int *current, int *pending), (d, current, pending)) \
  X(nvmlDeviceGetTotalEccErrors, (nvmlDevice_t d, int type, int counter, unsigned long long *n), (d, type, counter, n)) \
  X(nvmlDeviceGetRemappedRows, (nvmlDevice_t d, unsigned *corrected, unsigned *uncorrected, unsigned *pending, unsigned *failed), \
     (d, corrected, uncorrected, pending, failed)) \
  X(nvmlEventSetCreate, (nvmlEventSet_t *set), (set)) \
  X(nvmlEventSetFree, (nvmlEventSet_t set), (set)) \
  X(nvmlDeviceRegisterEvents, (nvmlDevice_t d, unsigned long long types, nvmlEventSet_t set), (d, types, set)) \
  X(nvmlEventSetWait_v2, (nvmlEventSet_t set, nvmlEventData_t *data, unsigned ms), (set, data, ms))

#endif
