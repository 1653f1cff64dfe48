// row_dropout.go: RowDropout, contract.md section 8.4. Floor: 8 bytes an element; a thread draws once for those of its elements that
// are of one row, about 100 integer operations.
#include "philox.cuh"

extern "C" __global__ void drn1_row_dropout(int n, const float *x, const int *rng, float *y, int cols, unsigned threshold, float scale, unsigned op) {
  int base = blockIdx.x * 1024, end = drn1_min(base + 1024, n);
  unsigned drawn = 0xffffffffu; // the row whose word is known
  bool kept = false;
  for (int i = base + threadIdx.x; i < end; i += 256) {
    unsigned row = (unsigned)i / (unsigned)cols;
    if (row != drawn) {
      drn1_words r = drn1_philox(rng, op, row >> 2);
      unsigned k = row & 3, w = k == 0 ? r.w[0] : k == 1 ? r.w[1] : k == 2 ? r.w[2] : r.w[3];
      kept = w >= threshold;
      drawn = row;
    }
    y[i] = kept ? __fmul_rn(x[i], scale) : 0.0f;
  }
}
