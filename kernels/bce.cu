// bce.go: BCE and BCEGrad, contract.md section 7.6. Floor: 8 bytes an element for the loss, 12 for the gradient. The
// loss sums its blocks of 65536 as sum.cu does.
#include "block_sum.cuh"

extern "C" __global__ void __launch_bounds__(128, 4) drn1_bce_blocks(int n, const float *__restrict__ x, const float *__restrict__ t, float *__restrict__ partial) {
  __shared__ float lanes[128];
  float s = drn1_block_sum(n, lanes, [=](int i) {
    float v = x[i], shared = __fmul_rn(v, t[i]);
    float first = v > 0.0f ? __fsub_rn(v, shared) : drn1_neg(shared), down = v > 0.0f ? drn1_neg(v) : v;
    return __fadd_rn(first, drn1_log(__fadd_rn(1.0f, drn1_exp(down))));
  });
  if (threadIdx.x == 0) partial[blockIdx.x] = s;
}

extern "C" __global__ void drn1_bce_grad(int n, const float *x, const float *t, float *dx, float scale) {
  drn1_map2(n, x, t, dx, [=](float v, float w) { return __fmul_rn(__fsub_rn(drn1_sigmoid(v), w), scale); });
}
