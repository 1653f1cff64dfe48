// rmsnorm.go: RMSNorm, contract.md section 7.4. One warp a row. inv is 1/cols. Its gradient is that of
// layernorm_grad.cu.
//
// Floor: 8 bytes an element; rows of at most 1024 are read once, as in softmax.cu.
#include "row.cuh"

extern "C" __global__ void drn1_rms_norm(int rows, int cols, const float *__restrict__ x, const float *__restrict__ gamma, float *__restrict__ y,
                                         float *__restrict__ rstd, float inv, float eps) {
  int row = drn1_row();
  if (row >= rows) return;
  x += row * cols;
  y += row * cols;
  float rs;
  if (drn1_is_near(cols)) {
    float v[DRN1_NEAR];
    drn1_near_each(cols, [&](int k, int i) { v[k] = x[i]; });
    float squares = drn1_near_sum(cols, [&](int k, int) { return __fmul_rn(v[k], v[k]); });
    rs = drn1_rsqrt(__fadd_rn(__fmul_rn(squares, inv), eps));
    drn1_near_each(cols, [&](int k, int i) { y[i] = __fmul_rn(__fmul_rn(v[k], rs), gamma[i]); });
  } else {
    float squares = drn1_sum(cols, [=](int i) {
      float v = x[i];
      return __fmul_rn(v, v);
    });
    rs = drn1_rsqrt(__fadd_rn(__fmul_rn(squares, inv), eps));
#pragma unroll 4
    for (int i = drn1_lane(); i < cols; i += 32) y[i] = __fmul_rn(__fmul_rn(x[i], rs), gamma[i]);
  }
  if (drn1_lane() == 0) rstd[row] = rs;
}
