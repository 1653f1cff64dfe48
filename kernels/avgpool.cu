// avgpool.go: AvgPool2D and AvgPool2DGrad, contract.md section 7.8. Parameters are those of pool.cuh;
// inv is 1/(kh*kw).
//
// Forward, a thread an output: floor 4 bytes an input and 4 an output. The gradient gathers, a thread an
// input: the same.
#include "pool.cuh"

extern "C" __global__ void drn1_avg_pool(int n, const float *__restrict__ x, float *__restrict__ y, float inv, DRN1_POOL) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  drn1_window w = drn1_window_at(i % (oh * ow), h, width, ow, kh, kw, sh, sw, ph, pw);
  x += i / (oh * ow) * (h * width);
  float s = 0.0f;
  for (int r = w.top; r < w.bottom; r++)
    for (int c = w.left; c < w.right; c++) s = __fadd_rn(s, x[r * width + c]);
  y[i] = __fmul_rn(s, inv);
}

extern "C" __global__ void drn1_avg_pool_grad(int n, const float *__restrict__ dy, float *__restrict__ dx, float inv, DRN1_POOL) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  int at = i % (h * width);
  drn1_window a = drn1_windows_over(at / width, at % width, oh, ow, kh, kw, sh, sw, ph, pw);
  dy += i / (h * width) * (oh * ow);
  float s = 0.0f;
  for (int r = a.top; r < a.bottom; r++)
    for (int c = a.left; c < a.right; c++) s = __fadd_rn(s, __fmul_rn(dy[r * ow + c], inv));
  dx[i] = s;
}
