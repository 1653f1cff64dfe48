// rmsnorm.go: RMSNorm, contract.md section 7.4. One warp a row. Floor: 8 bytes an element. Its gradient
// is that of layernorm_grad.cu. inv is 1/cols.
#include "r128.cuh"

extern "C" __global__ void drn1_rms_norm(int rows, int cols, const float *__restrict__ x, const float *__restrict__ gamma, float *__restrict__ y,
                                         float *__restrict__ rstd, float inv, float eps) {
  int row = drn1_row();
  if (row >= rows) return;
  x += row * cols;
  y += row * cols;
  float squares = drn1_sum(cols, [=](int i) {
    float v = x[i];
    return __fmul_rn(v, v);
  });
  float rs = drn1_rsqrt(__fadd_rn(__fmul_rn(squares, inv), eps));
#pragma unroll 4
  for (int i = drn1_lane(); i < cols; i += 32) y[i] = __fmul_rn(__fmul_rn(x[i], rs), gamma[i]);
  if (drn1_lane() == 0) rstd[row] = rs;
}
