// maxpool.go: MaxPool2D and MaxPool2DGrad, contract.md section 7.7. Parameters are those of pool.cuh.
//
// Forward, a thread an output: floor 4 bytes an input and 8 an output; overlapping windows find their
// neighbours in the L1. The gradient gathers, a thread an input: floor 8 bytes a window and 4 an input.
// It asks the windows that cover the input, which is all of them where every index lies in its own
// window, as max_pool2d leaves it. drn1_max_pool_strays looks for others first (4 bytes a window);
// a plane that has some asks every window.
#include "pool.cuh"

extern "C" __global__ void drn1_max_pool(int n, const float *__restrict__ x, float *__restrict__ y, int *__restrict__ index, DRN1_POOL) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  drn1_window w = drn1_window_at(i % (oh * ow), h, width, ow, kh, kw, sh, sw, ph, pw);
  x += i / (oh * ow) * (h * width);
  float best = drn1_neg(drn1_inf());
  int where = w.top * width + w.left;
  for (int r = w.top; r < w.bottom; r++)
    for (int c = w.left; c < w.right; c++) {
      float v = x[r * width + c];
      if (v > best || v != v) {
        best = v;
        where = r * width + c;
      }
    }
  y[i] = best;
  index[i] = where;
}

// One warp a plane: stray[plane] says whether an index that names an element of the plane lies outside
// of its own window.
extern "C" __global__ void drn1_max_pool_strays(int planes, const int *index, int *stray, DRN1_POOL) {
  int plane = blockIdx.x * 4 + (threadIdx.x >> 5), t = threadIdx.x & 31;
  if (plane >= planes) return;
  index += plane * (oh * ow);
  int found = 0;
  for (int i = t; i < oh * ow; i += 32) {
    drn1_window w = drn1_window_at(i, h, width, ow, kh, kw, sh, sw, ph, pw);
    int at = index[i];
    if (at < 0 || at >= h * width) continue;
    int r = at / width, c = at % width;
    if (r < w.top || r >= w.bottom || c < w.left || c >= w.right) found = 1;
  }
#pragma unroll
  for (int k = 16; k > 0; k >>= 1) found |= __shfl_xor_sync(0xffffffffu, found, k);
  if (t == 0) stray[plane] = found;
}

extern "C" __global__ void drn1_max_pool_grad(int n, const int *__restrict__ index, const float *__restrict__ dy, float *__restrict__ dx,
                                              const int *__restrict__ stray, DRN1_POOL) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  int plane = i / (h * width), at = i % (h * width);
  drn1_window a = {0, oh, 0, ow};
  if (!stray[plane]) a = drn1_windows_over(at / width, at % width, oh, ow, kh, kw, sh, sw, ph, pw);
  index += plane * (oh * ow);
  dy += plane * (oh * ow);
  float s = 0.0f;
  for (int r = a.top; r < a.bottom; r++)
    for (int c = a.left; c < a.right; c++)
      if (index[r * ow + c] == at) s = __fadd_rn(s, dy[r * ow + c]);
  dx[i] = s;
}
