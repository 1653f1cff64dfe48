// upsample.go and upsample_bilinear.go: contract.md section 16. A thread an output; the gradients gather, a thread an
// input. Floor: 4 bytes an input and 4 an output.
#include "drn1.cuh"

#define UPSAMPLE int h, int width, int oh, int ow

extern "C" __global__ void drn1_upsample_nearest(int n, const float *__restrict__ x, float *__restrict__ y, UPSAMPLE) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  int c = i % ow, r = i / ow % oh;
  y[i] = x[i / (ow * oh) * (h * width) + r * h / oh * width + c * width / ow];
}

// drn1_first is the first output that takes input i of n, or a later one: i <= o*n/out.
__device__ __forceinline__ int drn1_first(int i, int n, int out) { return (i * out + n - 1) / n; }

extern "C" __global__ void drn1_upsample_nearest_grad(int n, const float *__restrict__ dy, float *__restrict__ dx, UPSAMPLE) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  int c = i % width, r = i / width % h;
  int top = drn1_first(r, h, oh), bottom = drn1_first(r + 1, h, oh), left = drn1_first(c, width, ow), right = drn1_first(c + 1, width, ow);
  dy += i / (width * h) * (oh * ow);
  float s = 0.0f;
  for (int a = top; a < bottom; a++)
    for (int b = left; b < right; b++) s = __fadd_rn(s, dy[a * ow + b]);
  dx[i] = s;
}

// drn1_between is between in upsample_bilinear.go.
struct drn1_between { int at, next; float share; };

__device__ __forceinline__ drn1_between drn1_between_of(int i, int n, int out, int corners) {
  int place = corners ? i * (n - 1) : (2 * i + 1) * n - out, unit = corners ? drn1_max(out - 1, 1) : 2 * out;
  place = drn1_max(place, 0);
  int at = drn1_min(place / unit, n - 1);
  return drn1_between{at, drn1_min(at + 1, n - 1), __fdiv_rn(__int2float_rn(place % unit), __int2float_rn(unit))};
}

extern "C" __global__ void drn1_upsample_bilinear(int n, const float *__restrict__ x, float *__restrict__ y, UPSAMPLE, int corners) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  drn1_between r = drn1_between_of(i / ow % oh, h, oh, corners), c = drn1_between_of(i % ow, width, ow, corners);
  x += i / (ow * oh) * (h * width);
  const float *top = x + r.at * width, *bottom = x + r.next * width;
  float left = __fsub_rn(1.0f, c.share), up = __fsub_rn(1.0f, r.share);
  float a = __fadd_rn(__fmul_rn(left, top[c.at]), __fmul_rn(c.share, top[c.next]));
  float b = __fadd_rn(__fmul_rn(left, bottom[c.at]), __fmul_rn(c.share, bottom[c.next]));
  y[i] = __fadd_rn(__fmul_rn(up, a), __fmul_rn(r.share, b));
}

// drn1_reach are outputs among which are all that input i of n has a part in.
struct drn1_reach { int first, end; };

__device__ __forceinline__ drn1_reach drn1_reach_of(int i, int n, int out) {
  int first = (i - 2) * out / n - 1, end = (i + 3) * out / n + 2;
  return drn1_reach{i < 2 ? 0 : drn1_max(first, 0), i + 2 >= n ? out : drn1_min(end, out)};
}

extern "C" __global__ void drn1_upsample_bilinear_grad(int n, const float *__restrict__ dy, float *__restrict__ dx, UPSAMPLE, int corners) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  int c = i % width, r = i / width % h;
  drn1_reach rows = drn1_reach_of(r, h, oh), cols = drn1_reach_of(c, width, ow);
  dy += i / (width * h) * (oh * ow);
  float s = 0.0f;
  for (int a = rows.first; a < rows.end; a++) {
    drn1_between v = drn1_between_of(a, h, oh, corners);
    if (v.at != r && v.next != r) continue;
    float up = __fsub_rn(1.0f, v.share);
    for (int b = cols.first; b < cols.end; b++) {
      drn1_between u = drn1_between_of(b, width, ow, corners);
      float left = __fsub_rn(1.0f, u.share), d = dy[a * ow + b];
      if (v.at == r && u.at == c) s = __fadd_rn(s, __fmul_rn(__fmul_rn(up, left), d));
      if (v.at == r && u.next == c) s = __fadd_rn(s, __fmul_rn(__fmul_rn(up, u.share), d));
      if (v.next == r && u.at == c) s = __fadd_rn(s, __fmul_rn(__fmul_rn(v.share, left), d));
      if (v.next == r && u.next == c) s = __fadd_rn(s, __fmul_rn(__fmul_rn(v.share, u.share), d));
    }
  }
  dx[i] = s;
}
