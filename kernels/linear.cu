// A product with what follows it element by element, in one go: y = a b^T + bias and z = activation(y), each rounded where
// gemm.go, add.go and the activation's page round, so that the bits are those of the three operators one after another. y is
// kept, because an activation's gradient may need it; z may be y. Fused by kernels/launch, linear.go.
//
// Floor: product.cuh's. The tile that a block has just written is read back from L2 (64 KiB of it, 128x128 outputs), coalesced, and
// written with its bias, and once more activated: 12 or 16 bytes an output, none of the reads from memory, instead of 16 or 24 and two
// launches. For 8192x3072 outputs of K = 768 that is 0.10 ms of memory less beside 0.86 ms of fma. The activation runs in a loop that is
// not unrolled, so that it asks for no more registers than the product: 127 in the two larger tiles, 119 in the small one, no spills
// (ptxas 12.9, sm_90). Expected: 3 to 8 % over the three launches. Where K is cut,
// gemm.cu leaves the parts and drn1_linear_fold does the rest.
#include "activation.cuh"
#include "product.cuh"

// finish adds the bias to this block's tile of y and writes the activation of that to z. The barrier that ends product has made all
// sums visible to the block.
template <class T>
__device__ __forceinline__ void finish(int M, int N, const float *__restrict__ bias, int activation, float *y, float *z) {
  const int m0 = blockIdx.y * T::Rows, n0 = blockIdx.x * T::Cols;
#pragma unroll 1
  for (int e = threadIdx.x; e < T::Rows * T::Cols; e += T::Threads) {
    int m = m0 + e / T::Cols, n = n0 + e % T::Cols;
    if (m >= M || n >= N) continue;
    float v = __fadd_rn(y[m * N + n], bias[n]);
    y[m * N + n] = v;
    if (activation != NO_ACTIVATION) z[m * N + n] = drn1_activate(activation, v);
  }
}

template <class T>
__device__ __forceinline__ void linear(int M, int N, int K, const float *a, const float *b, const float *bias, int activation,
                                       float *y, float *z, typename T::Shared &shared) {
  Dense<false> left = {a, K}, right = {b, K};
  auto place = [=](int i, int j) { return i * N + j; };
  product<T>(M, N, K, K, left, right, place, y, 0, shared);
  finish<T>(M, N, bias, activation, y, z);
}

#define LINEAR_PARAMETERS int M, int N, int K, const float *__restrict__ a, const float *__restrict__ b, const float *__restrict__ bias, \
                          int activation, float *y, float *z

extern "C" __global__ void __launch_bounds__(256, 2) drn1_linear_large(LINEAR_PARAMETERS) {
  __shared__ LargeTile::Shared shared;
  linear<LargeTile>(M, N, K, a, b, bias, activation, y, z, shared);
}
extern "C" __global__ void __launch_bounds__(128, 4) drn1_linear_medium(LINEAR_PARAMETERS) {
  __shared__ MediumTile::Shared shared;
  linear<MediumTile>(M, N, K, a, b, bias, activation, y, z, shared);
}
extern "C" __global__ void __launch_bounds__(64, 8) drn1_linear_small(LINEAR_PARAMETERS) {
  __shared__ SmallTile::Shared shared;
  linear<SmallTile>(M, N, K, a, b, bias, activation, y, z, shared);
}

// drn1_linear_fold is drn1_product_fold, gemm.cu, with the bias and the activation on what it adds up.
extern "C" __global__ void __launch_bounds__(256) drn1_linear_fold(int n, int parts, int per, const float *__restrict__ work, int N,
                                                                   const float *__restrict__ bias, int activation, float *y, float *z) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  float v = __fadd_rn(folded(n, parts, per, work + i), bias[(unsigned)i % (unsigned)N]);
  y[i] = v;
  if (activation != NO_ACTIVATION) z[i] = drn1_activate(activation, v);
}
