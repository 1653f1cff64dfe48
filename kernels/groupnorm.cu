// groupnorm.go: GroupNorm and GroupNormGrad, contract.md section 15.3. A group of an image is a row of len = C/Groups*P
// elements, which one warp treats; its element i is of channel row % Groups * (C/Groups) + i/P. The gradients of gamma and
// beta are sums over a channel, as in batchnorm.cu.
//
// Floor: 8 bytes an element; rows are read three times, twice from the L2.
#include "block_sum.cuh"
#include "product.cuh"

extern "C" __global__ void drn1_group_norm(int rows, int len, int Groups, int per, int magic, int shift, const float *__restrict__ x, const float *__restrict__ gamma,
                                           const float *__restrict__ beta, float *__restrict__ y, float *__restrict__ mean, float *__restrict__ rstd, float inv, float eps) {
  int row = drn1_row();
  if (row >= rows) return;
  Divisor plane = {(unsigned)magic, (unsigned)shift};
  int first = row % Groups * per;
  x += row * len;
  y += row * len;
  float mu = __fmul_rn(drn1_sum(len, [=](int i) { return x[i]; }), inv);
  float squares = drn1_sum(len, [=](int i) {
    float d = __fsub_rn(x[i], mu);
    return __fmul_rn(d, d);
  });
  float rs = drn1_rsqrt(__fadd_rn(__fmul_rn(squares, inv), eps));
#pragma unroll 4
  for (int i = drn1_lane(); i < len; i += 32) {
    int c = first + plane.quotient(i);
    y[i] = drn1_mad(__fmul_rn(__fsub_rn(x[i], mu), rs), gamma[c], beta[c]);
  }
  if (drn1_lane() != 0) return;
  mean[row] = mu;
  rstd[row] = rs;
}

extern "C" __global__ void drn1_group_norm_grad(int rows, int len, int Groups, int per, int magic, int shift, const float *__restrict__ x, const float *__restrict__ gamma,
                                                const float *__restrict__ mean, const float *__restrict__ rstd, const float *__restrict__ dy, float *__restrict__ dx, float inv) {
  int row = drn1_row();
  if (row >= rows) return;
  Divisor plane = {(unsigned)magic, (unsigned)shift};
  int first = row % Groups * per;
  x += row * len;
  dy += row * len;
  dx += row * len;
  float mu = mean[row], rs = rstd[row], c[2];
  drn1_sums<2>(len, c, [=](int i, float *terms) {
    float g = __fmul_rn(dy[i], gamma[first + plane.quotient(i)]);
    terms[0] = g;
    terms[1] = __fmul_rn(g, __fmul_rn(__fsub_rn(x[i], mu), rs));
  });
  float c1 = __fmul_rn(c[0], inv), c2 = __fmul_rn(c[1], inv);
#pragma unroll 4
  for (int i = drn1_lane(); i < len; i += 32) {
    float g = __fmul_rn(dy[i], gamma[first + plane.quotient(i)]), h = __fmul_rn(__fsub_rn(x[i], mu), rs);
    dx[i] = __fmul_rn(rs, __fsub_rn(__fsub_rn(g, c1), __fmul_rn(h, c2)));
  }
}

// partial is [2][C][gridDim.x]: the sums of the blocks of dy*h, then those of dy.
extern "C" __global__ void __launch_bounds__(128, 4) drn1_group_norm_params(int terms, int C, int P, int Groups, int per, int magic, int shift, const float *__restrict__ x,
                                                                            const float *__restrict__ mean, const float *__restrict__ rstd, const float *__restrict__ dy, float *__restrict__ partial) {
  __shared__ float lanes[128];
  Divisor plane = {(unsigned)magic, (unsigned)shift};
  int c = blockIdx.y, shifted = blockIdx.z, group = c / per;
  float s = drn1_block_sum(terms, lanes, [=](int k) {
    int n = plane.quotient(k), at = (n * C + c) * P + (k - n * P), r = n * Groups + group;
    return shifted ? dy[at] : __fmul_rn(dy[at], __fmul_rn(__fsub_rn(x[at], mean[r]), rstd[r]));
  });
  if (threadIdx.x == 0) partial[(shifted * C + c) * gridDim.x + blockIdx.x] = s;
}
