// matmul: matmul.go, contract.md section 2.6: the product of each pair of matrices in the tiles of gemm.cu. Block z is part z % parts of K of pair
// z / parts. Floors: product.cuh.
#include "product.cuh"

struct MatmulPlace {
  int N;
  __device__ __forceinline__ int operator()(int i, int j) const { return i * N + j; }
};

template <class T, bool TransA, bool TransB>
__device__ __forceinline__ void matmul(int M, int N, int K, int batch, int split, const float *a, const float *b, float *c,
                                       typename T::Shared &shared) {
  int parts = K > split ? (K + split - 1) / split : 1, pair = blockIdx.z / parts, part = blockIdx.z - pair * parts;
  Dense<TransA> left = {a + pair * M * K, TransA ? M : K};
  Dense<!TransB> right = {b + pair * K * N, TransB ? K : N};
  MatmulPlace place = {N};
  productPart<T>(M, N, K, split, part, left, right, place, c + pair * M * N, batch * M * N, shared);
}

#define MATMUL_PARAMETERS int M, int N, int K, int batch, int split, const float *__restrict__ a, const float *__restrict__ b, float *__restrict__ c

extern "C" __global__ void __launch_bounds__(256, 2) drn1_matmul_large_nn(MATMUL_PARAMETERS) {
  __shared__ LargeTile::Shared shared;
  matmul<LargeTile, false, false>(M, N, K, batch, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(256, 2) drn1_matmul_large_nt(MATMUL_PARAMETERS) {
  __shared__ LargeTile::Shared shared;
  matmul<LargeTile, false, true>(M, N, K, batch, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(256, 2) drn1_matmul_large_tn(MATMUL_PARAMETERS) {
  __shared__ LargeTile::Shared shared;
  matmul<LargeTile, true, false>(M, N, K, batch, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(256, 2) drn1_matmul_large_tt(MATMUL_PARAMETERS) {
  __shared__ LargeTile::Shared shared;
  matmul<LargeTile, true, true>(M, N, K, batch, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_matmul_medium_nn(MATMUL_PARAMETERS) {
  __shared__ MediumTile::Shared shared;
  matmul<MediumTile, false, false>(M, N, K, batch, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_matmul_medium_nt(MATMUL_PARAMETERS) {
  __shared__ MediumTile::Shared shared;
  matmul<MediumTile, false, true>(M, N, K, batch, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_matmul_medium_tn(MATMUL_PARAMETERS) {
  __shared__ MediumTile::Shared shared;
  matmul<MediumTile, true, false>(M, N, K, batch, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_matmul_medium_tt(MATMUL_PARAMETERS) {
  __shared__ MediumTile::Shared shared;
  matmul<MediumTile, true, true>(M, N, K, batch, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_matmul_small_nn(MATMUL_PARAMETERS) {
  __shared__ SmallTile::Shared shared;
  matmul<SmallTile, false, false>(M, N, K, batch, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_matmul_small_nt(MATMUL_PARAMETERS) {
  __shared__ SmallTile::Shared shared;
  matmul<SmallTile, false, true>(M, N, K, batch, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_matmul_small_tn(MATMUL_PARAMETERS) {
  __shared__ SmallTile::Shared shared;
  matmul<SmallTile, true, false>(M, N, K, batch, split, a, b, c, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_matmul_small_tt(MATMUL_PARAMETERS) {
  __shared__ SmallTile::Shared shared;
  matmul<SmallTile, true, true>(M, N, K, batch, split, a, b, c, shared);
}
