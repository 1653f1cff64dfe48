// sum.go: Sum, SumSquares and RowSum, contract.md section 3. A tensor of more than one block of 65536
// is summed in two launches: its blocks, then their sums by one warp. Floor: 4 bytes an element.
#include "block_sum.cuh"

extern "C" __global__ void drn1_sum_blocks(int n, const float *x, float *partial) {
  __shared__ float lanes[128];
  drn1_block_sum(n, lanes, partial, [=](int i) { return x[i]; });
}

extern "C" __global__ void drn1_sum_squares_blocks(int n, const float *x, float *partial) {
  __shared__ float lanes[128];
  drn1_block_sum(n, lanes, partial, [=](int i) {
    float v = x[i];
    return __fmul_rn(v, v);
  });
}

// One warp a row.
extern "C" __global__ void drn1_row_sum(int rows, int cols, const float *x, float *y) {
  int row = drn1_row();
  if (row >= rows) return;
  x += row * cols;
  float s = drn1_sum(cols, [=](int i) { return x[i]; });
  if (drn1_lane() == 0) y[row] = s;
}

// The sum of n numbers times a factor, by one warp: the mean of the losses of rows or blocks.
extern "C" __global__ void drn1_scaled_sum(int n, const float *x, float *y, float factor) {
  float s = drn1_sum(n, [=](int i) { return x[i]; });
  if (drn1_lane() == 0) *y = __fmul_rn(s, factor);
}
