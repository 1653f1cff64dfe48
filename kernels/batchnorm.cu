// batchnorm.go and batchnorm_grad.go: BatchNorm, BatchNormFrozen, their gradients and RunningUpdate, contract.md
// section 15.1. Channel c of N x C x P numbers is a vector of terms = N*P, of which a block sums 65536 in R128's
// order; a warp folds the blocks of a channel, and a last kernel treats each element alone.
//
// Floor: 4 bytes an element for each sum, of which the second finds x in the L2 where it fits, and 8 for the last
// kernel, 12 in the gradient. Channels of 512 terms and fewer leave threads idle.
#include "block_sum.cuh"
#include "product.cuh"

// drn1_channel_term is where term k of channel c lies.
__device__ __forceinline__ int drn1_channel_term(int k, int c, int C, int P, Divisor plane) {
  int n = plane.quotient(k);
  return (n * C + c) * P + (k - n * P);
}

// partial is [C][gridDim.x], the sums of the blocks of x, or of the squares of x - mean.
extern "C" __global__ void __launch_bounds__(128, 4) drn1_channel_sums(int terms, int C, int P, int magic, int shift, const float *__restrict__ x, float *__restrict__ partial) {
  __shared__ float lanes[128];
  Divisor plane = {(unsigned)magic, (unsigned)shift};
  int c = blockIdx.y;
  float s = drn1_block_sum(terms, lanes, [=](int k) { return x[drn1_channel_term(k, c, C, P, plane)]; });
  if (threadIdx.x == 0) partial[c * gridDim.x + blockIdx.x] = s;
}

extern "C" __global__ void __launch_bounds__(128, 4) drn1_channel_deviations(int terms, int C, int P, int magic, int shift, const float *__restrict__ x, const float *__restrict__ mean, float *__restrict__ partial) {
  __shared__ float lanes[128];
  Divisor plane = {(unsigned)magic, (unsigned)shift};
  int c = blockIdx.y;
  float mu = mean[c];
  float s = drn1_block_sum(terms, lanes, [=](int k) {
    float d = __fsub_rn(x[drn1_channel_term(k, c, C, P, plane)], mu);
    return __fmul_rn(d, d);
  });
  if (threadIdx.x == 0) partial[c * gridDim.x + blockIdx.x] = s;
}

// partial is [2][C][gridDim.x]: the sums of dy*h, then those of dy. frozen says that spread is the variance, not rstd.
extern "C" __global__ void __launch_bounds__(128, 4) drn1_channel_grad_sums(int terms, int C, int P, int magic, int shift, const float *__restrict__ x, const float *__restrict__ mean,
                                                                            const float *__restrict__ spread, const float *__restrict__ dy, float *__restrict__ partial, int frozen, float eps) {
  __shared__ float lanes[128];
  Divisor plane = {(unsigned)magic, (unsigned)shift};
  int c = blockIdx.y, shifted = blockIdx.z;
  float mu = mean[c], rs = frozen ? drn1_rsqrt(__fadd_rn(spread[c], eps)) : spread[c];
  float s = drn1_block_sum(terms, lanes, [=](int k) {
    int at = drn1_channel_term(k, c, C, P, plane);
    return shifted ? dy[at] : __fmul_rn(dy[at], __fmul_rn(__fsub_rn(x[at], mu), rs));
  });
  if (threadIdx.x == 0) partial[(shifted * C + c) * gridDim.x + blockIdx.x] = s;
}

// One warp a channel: the mean of its blocks.
extern "C" __global__ void drn1_channel_mean(int C, int blocks, const float *partial, float *mean, float inv) {
  int c = drn1_row();
  if (c >= C) return;
  partial += c * blocks;
  float s = drn1_sum(blocks, [=](int i) { return partial[i]; });
  if (drn1_lane() == 0) mean[c] = __fmul_rn(s, inv);
}

extern "C" __global__ void drn1_channel_rstd(int C, int blocks, const float *partial, float *var, float *rstd, float inv, float eps) {
  int c = drn1_row();
  if (c >= C) return;
  partial += c * blocks;
  float s = drn1_sum(blocks, [=](int i) { return partial[i]; });
  if (drn1_lane() != 0) return;
  float v = __fmul_rn(s, inv);
  var[c] = v;
  rstd[c] = drn1_rsqrt(__fadd_rn(v, eps));
}

// frozen says that spread is the variance, not rstd.
extern "C" __global__ void drn1_batch_norm(int n, const float *__restrict__ x, const float *__restrict__ gamma, const float *__restrict__ beta, const float *__restrict__ mean,
                                           const float *__restrict__ spread, float *__restrict__ y, int C, int magic, int shift, int frozen, float eps) {
  Divisor plane = {(unsigned)magic, (unsigned)shift};
  for (int k = 0, i = blockIdx.x * 1024 + threadIdx.x; k < 4 && i < n; k++, i += 256) {
    int c = plane.quotient(i) % C;
    float rs = frozen ? drn1_rsqrt(__fadd_rn(spread[c], eps)) : spread[c];
    y[i] = drn1_mad(__fmul_rn(__fsub_rn(x[i], mean[c]), rs), gamma[c], beta[c]);
  }
}

extern "C" __global__ void drn1_batch_norm_grad(int n, const float *__restrict__ x, const float *__restrict__ gamma, const float *__restrict__ mean, const float *__restrict__ rstd,
                                                const float *__restrict__ dy, const float *__restrict__ dgamma, const float *__restrict__ dbeta, float *__restrict__ dx, int C,
                                                int magic, int shift, float inv) {
  Divisor plane = {(unsigned)magic, (unsigned)shift};
  for (int k = 0, i = blockIdx.x * 1024 + threadIdx.x; k < 4 && i < n; k++, i += 256) {
    int c = plane.quotient(i) % C;
    float rs = rstd[c], h = __fmul_rn(__fsub_rn(x[i], mean[c]), rs);
    float c1 = __fmul_rn(__fmul_rn(dbeta[c], gamma[c]), inv), c2 = __fmul_rn(__fmul_rn(dgamma[c], gamma[c]), inv);
    dx[i] = __fmul_rn(rs, __fsub_rn(__fsub_rn(__fmul_rn(dy[i], gamma[c]), c1), __fmul_rn(h, c2)));
  }
}

extern "C" __global__ void drn1_batch_norm_frozen_grad(int n, const float *__restrict__ gamma, const float *__restrict__ var, const float *__restrict__ dy,
                                                       float *__restrict__ dx, int C, int magic, int shift, float eps) {
  Divisor plane = {(unsigned)magic, (unsigned)shift};
  for (int k = 0, i = blockIdx.x * 1024 + threadIdx.x; k < 4 && i < n; k++, i += 256) {
    int c = plane.quotient(i) % C;
    dx[i] = __fmul_rn(__fmul_rn(dy[i], gamma[c]), drn1_rsqrt(__fadd_rn(var[c], eps)));
  }
}

extern "C" __global__ void drn1_running_update(int n, const float *x, float *y, float keep, float take) {
  drn1_map2(n, x, y, y, [=](float v, float w) { return __fadd_rn(__fmul_rn(keep, w), __fmul_rn(take, v)); });
}
