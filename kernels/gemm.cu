// gemm: gemm.go, contract.md section 2.3. c = a b, in tiles of 128x128, 64x64 or 32x32 outputs; which one, and where K is cut, is
// kernels/launch's choice from the shape and never shows in the bits. Floors: product.cuh.
#include "product.cuh"

struct GemmPlace {
  int N;
  __device__ __forceinline__ int operator()(int i, int j) const { return i * N + j; }
};

// The right factor's rows are the columns of b.
template <class T, bool TransA, bool TransB>
__device__ __forceinline__ void gemm(int M, int N, int K, int split, const float *a, const float *b, float *c,
                                     typename T::Shared &shared) {
  Dense<TransA> left = {a, TransA ? M : K};
  Dense<!TransB> right = {b, TransB ? K : N};
  GemmPlace place = {N};
  product<T>(M, N, K, split, left, right, place, c, M * N, shared);
}

#define GEMM_PARAMETERS int M, int N, int K, int split, const float *__restrict__ a, const float *__restrict__ b, float *__restrict__ c

extern "C" __global__ void __launch_bounds__(256, 2) drn1_gemm_large_nn(GEMM_PARAMETERS) {
  __shared__ LargeTile::Shared shared;
  gemm<LargeTile, false, false>(M, N, K, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(256, 2) drn1_gemm_large_nt(GEMM_PARAMETERS) {
  __shared__ LargeTile::Shared shared;
  gemm<LargeTile, false, true>(M, N, K, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(256, 2) drn1_gemm_large_tn(GEMM_PARAMETERS) {
  __shared__ LargeTile::Shared shared;
  gemm<LargeTile, true, false>(M, N, K, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(256, 2) drn1_gemm_large_tt(GEMM_PARAMETERS) {
  __shared__ LargeTile::Shared shared;
  gemm<LargeTile, true, true>(M, N, K, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_gemm_medium_nn(GEMM_PARAMETERS) {
  __shared__ MediumTile::Shared shared;
  gemm<MediumTile, false, false>(M, N, K, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_gemm_medium_nt(GEMM_PARAMETERS) {
  __shared__ MediumTile::Shared shared;
  gemm<MediumTile, false, true>(M, N, K, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_gemm_medium_tn(GEMM_PARAMETERS) {
  __shared__ MediumTile::Shared shared;
  gemm<MediumTile, true, false>(M, N, K, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_gemm_medium_tt(GEMM_PARAMETERS) {
  __shared__ MediumTile::Shared shared;
  gemm<MediumTile, true, true>(M, N, K, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_gemm_small_nn(GEMM_PARAMETERS) {
  __shared__ SmallTile::Shared shared;
  gemm<SmallTile, false, false>(M, N, K, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_gemm_small_nt(GEMM_PARAMETERS) {
  __shared__ SmallTile::Shared shared;
  gemm<SmallTile, false, true>(M, N, K, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_gemm_small_tn(GEMM_PARAMETERS) {
  __shared__ SmallTile::Shared shared;
  gemm<SmallTile, true, false>(M, N, K, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_gemm_small_tt(GEMM_PARAMETERS) {
  __shared__ SmallTile::Shared shared;
  gemm<SmallTile, true, true>(M, N, K, split, a, b, c, shared);
}

// drn1_product_fold adds up the parts of a product whose K was cut: per parts make a group, 16 if the parts are chunks, 1 if they are
// groups. Floor: (parts+1)*4 bytes an output, memory's bandwidth.
extern "C" __global__ void __launch_bounds__(256) drn1_product_fold(int n, int parts, int per, const float *__restrict__ work, float *__restrict__ out) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  out[i] = folded(n, parts, per, work + i);
}
