// SPDX-License-Identifier: GPL-3.0-or-later

// mumax3's package cuda links cuFFT for its magnetostatic fields. The reductions and element-wise
// kernels that are measured here never transform, so every call is refused.
#include "include/cufft.h"

#define REFUSE(name, ...) \
  __attribute__((visibility("hidden"))) cufftResult name(__VA_ARGS__) { return CUFFT_SETUP_FAILED; }

REFUSE(cufftPlan1d, cufftHandle *plan, int nx, cufftType type, int batch)
REFUSE(cufftPlan2d, cufftHandle *plan, int nx, int ny, cufftType type)
REFUSE(cufftPlan3d, cufftHandle *plan, int nx, int ny, int nz, cufftType type)
REFUSE(cufftPlanMany, cufftHandle *plan, int rank, int *n, int *inembed, int istride, int idist,
       int *onembed, int ostride, int odist, cufftType type, int batch)
REFUSE(cufftExecC2C, cufftHandle plan, cufftComplex *in, cufftComplex *out, int direction)
REFUSE(cufftExecR2C, cufftHandle plan, cufftReal *in, cufftComplex *out)
REFUSE(cufftExecC2R, cufftHandle plan, cufftComplex *in, cufftReal *out)
REFUSE(cufftExecZ2Z, cufftHandle plan, cufftDoubleComplex *in, cufftDoubleComplex *out, int direction)
REFUSE(cufftExecD2Z, cufftHandle plan, cufftDoubleReal *in, cufftDoubleComplex *out)
REFUSE(cufftExecZ2D, cufftHandle plan, cufftDoubleComplex *in, cufftDoubleReal *out)
REFUSE(cufftSetStream, cufftHandle plan, cudaStream_t s)
REFUSE(cufftDestroy, cufftHandle plan)
