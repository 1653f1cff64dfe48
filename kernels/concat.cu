// concat.go: Concat, contract.md section 4.3, a launch for each part. Floor: 8 bytes an element.
#include "product.cuh"

// drn1_concat_part copies n elements in runs of run, which begin width apart in y.
extern "C" __global__ void drn1_concat_part(int n, const float *__restrict__ x, float *__restrict__ y, int run, int magic, int shift, int width) {
  Divisor runs = {(unsigned)magic, (unsigned)shift};
  int base = blockIdx.x * 1024, end = drn1_min(base + 1024, n);
#pragma unroll 4
  for (int i = base + threadIdx.x; i < end; i += 256) {
    int r = runs.quotient(i);
    y[r * width + (i - r * run)] = x[i];
  }
}
