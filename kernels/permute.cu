// permute.go: Permute, contract.md section 4.3. Floor: 8 bytes an element.
#include "product.cuh"

// drn1_permute has a thread for every four of n elements of y, a block's 256 apart: neighbours write neighbours, and read neighbours where
// the last axis does. d1 to d5 divide by the sizes s1 to s5 of y's axes, whose strides in x are t0 to t5. Places take five
// multiplications each, hidden behind the memory.
extern "C" __global__ void drn1_permute(int n, const float *__restrict__ x, float *__restrict__ y, int t0, int t1, int t2, int t3, int t4, int t5,
                                        int s1, int s2, int s3, int s4, int s5, int m1, int h1, int m2, int h2, int m3, int h3, int m4,
                                        int h4, int m5, int h5) {
  Divisor d1 = {(unsigned)m1, (unsigned)h1}, d2 = {(unsigned)m2, (unsigned)h2}, d3 = {(unsigned)m3, (unsigned)h3};
  Divisor d4 = {(unsigned)m4, (unsigned)h4}, d5 = {(unsigned)m5, (unsigned)h5};
  int base = blockIdx.x * 1024, end = drn1_min(base + 1024, n);
#pragma unroll 4
  for (int i = base + threadIdx.x; i < end; i += 256) {
    int r5 = d5.quotient(i), r4 = d4.quotient(r5), r3 = d3.quotient(r4), r2 = d2.quotient(r3), r1 = d1.quotient(r2);
    int at = (i - r5 * s5) * t5 + (r5 - r4 * s4) * t4 + (r4 - r3 * s3) * t3 + (r3 - r2 * s2) * t2 + (r2 - r1 * s1) * t1 + r1 * t0;
    y[i] = x[at];
  }
}

// drn1_permute_turned is a Permute where neighbours in x are neighbours of an axis of y other than the last: a block turns a tile of
// 32 of that axis, turned elements long and apart in y, by 32 of the last, last elements long and stride apart in x. The four
// others have the sizes s, and strides t in x and u in y. Both sides move 128 bytes at once.
extern "C" __global__ void __launch_bounds__(256) drn1_permute_turned(const float *__restrict__ x, float *__restrict__ y, int turned, int apart, int last,
                                                                     int stride, int s1, int s2, int s3, int t0, int t1, int t2, int t3, int u0,
                                                                     int u1, int u2, int u3) {
  __shared__ float tile[32][33];
  int across = (last + 31) / 32, down = (turned + 31) / 32, lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  int b = blockIdx.x, l = b % across * 32;
  b /= across;
  int j = b % down * 32;
  b /= down;
  int r3 = b / s3, r2 = r3 / s2, r1 = r2 / s1;
  x += (b - r3 * s3) * t3 + (r3 - r2 * s2) * t2 + (r2 - r1 * s1) * t1 + r1 * t0;
  y += (b - r3 * s3) * u3 + (r3 - r2 * s2) * u2 + (r2 - r1 * s1) * u1 + r1 * u0;
#pragma unroll
  for (int k = warp; k < 32; k += 8)
    if (l + k < last && j + lane < turned) tile[k][lane] = x[(l + k) * stride + j + lane];
  __syncthreads();
#pragma unroll
  for (int k = warp; k < 32; k += 8)
    if (j + k < turned && l + lane < last) y[(j + k) * apart + l + lane] = tile[lane][k];
}
