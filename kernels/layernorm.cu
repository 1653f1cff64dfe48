// layernorm.go: LayerNorm, contract.md section 7.3. One warp a row. Floor: 8 bytes an element; the
// second and third pass over a row find it in the cache. inv is 1/cols.
#include "r128.cuh"

extern "C" __global__ void drn1_layer_norm(int rows, int cols, const float *__restrict__ x, const float *__restrict__ gamma, const float *__restrict__ beta,
                                           float *__restrict__ y, float *__restrict__ mean, float *__restrict__ rstd, float inv, float eps) {
  int row = drn1_row();
  if (row >= rows) return;
  x += row * cols;
  y += row * cols;
  float mu = __fmul_rn(drn1_sum(cols, [=](int i) { return x[i]; }), inv);
  float squares = drn1_sum(cols, [=](int i) {
    float d = __fsub_rn(x[i], mu);
    return __fmul_rn(d, d);
  });
  float rs = drn1_rsqrt(__fadd_rn(__fmul_rn(squares, inv), eps));
#pragma unroll 4
  for (int i = drn1_lane(); i < cols; i += 32) y[i] = drn1_mad(__fmul_rn(__fsub_rn(x[i], mu), rs), gamma[i], beta[i]);
  if (drn1_lane() != 0) return;
  mean[row] = mu;
  rstd[row] = rs;
}
