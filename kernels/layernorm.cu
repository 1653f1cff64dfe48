// layernorm.go: LayerNorm, contract.md section 7.3. One warp a row. inv is 1/cols.
//
// Floor: 8 bytes an element. Rows of at most 1024 are read once, as in softmax.cu: 85 % of copy
// bandwidth expected. Longer rows are read three times, twice from the L2.
#include "row.cuh"

extern "C" __global__ void drn1_layer_norm(int rows, int cols, const float *__restrict__ x, const float *__restrict__ gamma, const float *__restrict__ beta,
                                           float *__restrict__ y, float *__restrict__ mean, float *__restrict__ rstd, float inv, float eps) {
  int row = drn1_row();
  if (row >= rows) return;
  x += row * cols;
  y += row * cols;
  float mu, rs;
  if (drn1_is_near(cols)) {
    float v[DRN1_NEAR];
    drn1_near_each(cols, [&](int k, int i) { v[k] = x[i]; });
    mu = __fmul_rn(drn1_near_sum(cols, [&](int k, int) { return v[k]; }), inv);
    float squares = drn1_near_sum(cols, [&](int k, int) {
      v[k] = __fsub_rn(v[k], mu);
      return __fmul_rn(v[k], v[k]);
    });
    rs = drn1_rsqrt(__fadd_rn(__fmul_rn(squares, inv), eps));
    drn1_near_each(cols, [&](int k, int i) { y[i] = drn1_mad(__fmul_rn(v[k], rs), gamma[i], beta[i]); });
  } else {
    mu = __fmul_rn(drn1_sum(cols, [=](int i) { return x[i]; }), inv);
    float squares = drn1_sum(cols, [=](int i) {
      float d = __fsub_rn(x[i], mu);
      return __fmul_rn(d, d);
    });
    rs = drn1_rsqrt(__fadd_rn(__fmul_rn(squares, inv), eps));
#pragma unroll 4
    for (int i = drn1_lane(); i < cols; i += 32) y[i] = drn1_mad(__fmul_rn(__fsub_rn(x[i], mu), rs), gamma[i], beta[i]);
  }
  if (drn1_lane() != 0) return;
  mean[row] = mu;
  rstd[row] = rs;
}
