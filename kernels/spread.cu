// spread.go: Spread, contract.md section 4.3. Floor: 4 bytes an element of dx and of dy.
#include "drn1.cuh"

extern "C" __global__ void drn1_spread(int n, const float *__restrict__ dy, float *__restrict__ dx, int size, int inner, int start, int step, int count) {
  int base = blockIdx.x * 1024, end = drn1_min(base + 1024, n);
#pragma unroll 4
  for (int i = base + threadIdx.x; i < end; i += 256) {
    unsigned row = (unsigned)i / (unsigned)inner, outer = row / (unsigned)size;
    int place = (int)(row - outer * (unsigned)size) - start;
    unsigned k = (unsigned)place / (unsigned)step;
    bool given = place >= 0 && k < (unsigned)count && k * (unsigned)step == (unsigned)place;
    dx[i] = given ? dy[(outer * (unsigned)count + k) * (unsigned)inner + ((unsigned)i - row * (unsigned)inner)] : 0.0f;
  }
}
