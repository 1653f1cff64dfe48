// SPDX-License-Identifier: GPL-3.0-or-later

// The functions of libcuda that mumax3 calls, a line each: symbol, parameters, the same as arguments.
#ifndef CUDA_FUNCTIONS_H
#define CUDA_FUNCTIONS_H

#define CUDA_FUNCTIONS(X) \
  X(cuInit, (unsigned int flags), (flags)) \
  X(cuDriverGetVersion, (int *version), (version)) \
  X(cuDeviceGet, (CUdevice *device, int ordinal), (device, ordinal)) \
  X(cuDeviceGetCount, (int *count), (count)) \
  X(cuDeviceGetName, (char *name, int len, CUdevice device), (name, len, device)) \
  X(cuDeviceTotalMem_v2, (size_t *bytes, CUdevice device), (bytes, device)) \
  X(cuDeviceGetAttribute, (int *value, CUdevice_attribute attribute, CUdevice device), (value, attribute, device)) \
  X(cuDeviceCanAccessPeer, (int *can, CUdevice device, CUdevice peer), (can, device, peer)) \
  X(cuCtxCreate_v2, (CUcontext *ctx, unsigned int flags, CUdevice device), (ctx, flags, device)) \
  X(cuCtxDestroy_v2, (CUcontext ctx), (ctx)) \
  X(cuCtxSetCurrent, (CUcontext ctx), (ctx)) \
  X(cuCtxGetCurrent, (CUcontext *ctx), (ctx)) \
  X(cuCtxGetDevice, (CUdevice *device), (device)) \
  X(cuCtxGetApiVersion, (CUcontext ctx, unsigned int *version), (ctx, version)) \
  X(cuCtxSynchronize, (void), ()) \
  X(cuCtxEnablePeerAccess, (CUcontext peer, unsigned int flags), (peer, flags)) \
  X(cuCtxDisablePeerAccess, (CUcontext peer), (peer)) \
  X(cuModuleLoad, (CUmodule *module, const char *path), (module, path)) \
  X(cuModuleLoadData, (CUmodule *module, const void *image), (module, image)) \
  X(cuModuleGetFunction, (CUfunction *f, CUmodule module, const char *name), (f, module, name)) \
  X(cuFuncGetAttribute, (int *value, CUfunction_attribute attribute, CUfunction f), (value, attribute, f)) \
  X(cuLaunchKernel, (CUfunction f, unsigned int gx, unsigned int gy, unsigned int gz, unsigned int bx, unsigned int by, unsigned int bz, \
     unsigned int shared, CUstream s, void **params, void **extra), (f, gx, gy, gz, bx, by, bz, shared, s, params, extra)) \
  X(cuStreamCreate, (CUstream *s, unsigned int flags), (s, flags)) \
  X(cuStreamDestroy_v2, (CUstream s), (s)) \
  X(cuStreamQuery, (CUstream s), (s)) \
  X(cuStreamSynchronize, (CUstream s), (s)) \
  X(cuMemAlloc_v2, (CUdeviceptr *p, size_t bytes), (p, bytes)) \
  X(cuMemFree_v2, (CUdeviceptr p), (p)) \
  X(cuMemAllocHost_v2, (void **p, size_t bytes), (p, bytes)) \
  X(cuMemFreeHost, (void *p), (p)) \
  X(cuMemGetInfo_v2, (size_t *unused, size_t *total), (unused, total)) \
  X(cuMemGetAddressRange_v2, (CUdeviceptr *base, size_t *bytes, CUdeviceptr p), (base, bytes, p)) \
  X(cuPointerGetAttribute, (void *value, CUpointer_attribute attribute, CUdeviceptr p), (value, attribute, p)) \
  X(cuMemcpy, (CUdeviceptr to, CUdeviceptr from, size_t bytes), (to, from, bytes)) \
  X(cuMemcpyAsync, (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream s), (to, from, bytes, s)) \
  X(cuMemcpyDtoD_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes), (to, from, bytes)) \
  X(cuMemcpyDtoDAsync_v2, (CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream s), (to, from, bytes, s)) \
  X(cuMemcpyHtoD_v2, (CUdeviceptr to, const void *from, size_t bytes), (to, from, bytes)) \
  X(cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void *from, size_t bytes, CUstream s), (to, from, bytes, s)) \
  X(cuMemcpyDtoH_v2, (void *to, CUdeviceptr from, size_t bytes), (to, from, bytes)) \
  X(cuMemcpyDtoHAsync_v2, (void *to, CUdeviceptr from, size_t bytes, CUstream s), (to, from, bytes, s)) \
  X(cuMemcpyPeer, (CUdeviceptr to, CUcontext there, CUdeviceptr from, CUcontext here, size_t bytes), (to, there, from, here, bytes)) \
  X(cuMemcpyPeerAsync, (CUdeviceptr to, CUcontext there, CUdeviceptr from, CUcontext here, size_t bytes, CUstream s), \
     (to, there, from, here, bytes, s)) \
  X(cuMemsetD8_v2, (CUdeviceptr to, unsigned char value, size_t n), (to, value, n)) \
  X(cuMemsetD8Async, (CUdeviceptr to, unsigned char value, size_t n, CUstream s), (to, value, n, s)) \
  X(cuMemsetD32_v2, (CUdeviceptr to, unsigned int value, size_t n), (to, value, n)) \
  X(cuMemsetD32Async, (CUdeviceptr to, unsigned int value, size_t n, CUstream s), (to, value, n, s))

#endif
