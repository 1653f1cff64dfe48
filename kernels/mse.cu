// mse.go: MSE and MSEGrad, contract.md section 7.6. Floor: 8 bytes an element for the loss, 12 for the
// gradient. The loss sums its blocks of 65536 as sum.cu does.
#include "block_sum.cuh"

extern "C" __global__ void __launch_bounds__(128, 4) drn1_mse_blocks(int n, const float *__restrict__ x, const float *__restrict__ t, float *__restrict__ partial) {
  __shared__ float lanes[128];
  float s = drn1_block_sum(n, lanes, [=](int i) {
    float d = __fsub_rn(x[i], t[i]);
    return __fmul_rn(d, d);
  });
  if (threadIdx.x == 0) partial[blockIdx.x] = s;
}

extern "C" __global__ void drn1_mse_grad(int n, const float *x, const float *t, float *dx, float scale) {
  drn1_map2(n, x, t, dx, [=](float v, float w) { return __fmul_rn(__fsub_rn(v, w), scale); });
}
