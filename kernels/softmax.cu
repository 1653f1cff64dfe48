// softmax.go: Softmax and SoftmaxGrad, contract.md section 7.1. One warp a row.
//
// Floor: 8 bytes an element forward, 12 backward. A row of at most 1024 is read once and kept in
// registers: about 60 a thread forward and 90 backward, so 32 and 20 warps an SM, each with 4 to 8 KiB
// of loads under way, more than the 17 KiB an SM that 3.35 TB/s times 650 ns need. Expected: 85 % of
// copy bandwidth. Longer rows come from the L2 again for each pass, 20 bytes an element forward: 60 %.
#include "row.cuh"

extern "C" __global__ void drn1_softmax(int rows, int cols, const float *x, float *y) {
  int row = drn1_row();
  if (row >= rows) return;
  x += row * cols;
  y += row * cols;
  if (drn1_is_near(cols)) {
    float e[DRN1_NEAR];
    drn1_near_each(cols, [&](int k, int i) { e[k] = x[i]; });
    float m = drn1_near_maximum(cols, e);
    float l = drn1_near_sum(cols, [&](int k, int) { return e[k] = drn1_exp(__fsub_rn(e[k], m)); });
    float r = __fdiv_rn(1.0f, l);
    drn1_near_each(cols, [&](int k, int i) { y[i] = __fmul_rn(e[k], r); });
    return;
  }
  float m = drn1_maximum(cols, x);
  float l = drn1_sum(cols, [=](int i) {
    float e = drn1_exp(__fsub_rn(x[i], m));
    y[i] = e;
    return e;
  });
  float r = __fdiv_rn(1.0f, l);
  for (int i = drn1_lane(); i < cols; i += 32) y[i] = __fmul_rn(y[i], r); // each thread its own
}

extern "C" __global__ void drn1_softmax_grad(int rows, int cols, const float *__restrict__ y, const float *__restrict__ dy, float *__restrict__ dx) {
  int row = drn1_row();
  if (row >= rows) return;
  y += row * cols;
  dy += row * cols;
  dx += row * cols;
  if (drn1_is_near(cols)) {
    float v[DRN1_NEAR], w[DRN1_NEAR];
    drn1_near_each(cols, [&](int k, int i) {
      v[k] = y[i];
      w[k] = dy[i];
    });
    float d = drn1_near_sum(cols, [&](int k, int) { return __fmul_rn(v[k], w[k]); });
    drn1_near_each(cols, [&](int k, int i) { dx[i] = __fmul_rn(v[k], __fsub_rn(w[k], d)); });
    return;
  }
  float d = drn1_sum(cols, [=](int i) { return __fmul_rn(y[i], dy[i]); });
#pragma unroll 4
  for (int i = drn1_lane(); i < cols; i += 32) dx[i] = __fmul_rn(y[i], __fsub_rn(dy[i], d));
}
