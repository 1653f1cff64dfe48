// sum.go: Sum, SumSquares and RowSum, contract.md section 3. A tensor of more than one block of 65536
// is summed in two launches: its blocks, then their sums, which are one block. Floor: 4 bytes an
// element.
#include "block_sum.cuh"

extern "C" __global__ void __launch_bounds__(128, 4) drn1_sum_blocks(int n, const float *__restrict__ x, float *__restrict__ partial) {
  __shared__ float lanes[128];
  float s = drn1_block_sum(n, lanes, [=](int i) { return x[i]; });
  if (threadIdx.x == 0) partial[blockIdx.x] = s;
}

extern "C" __global__ void __launch_bounds__(128, 4) drn1_sum_squares_blocks(int n, const float *__restrict__ x, float *__restrict__ partial) {
  __shared__ float lanes[128];
  float s = drn1_block_sum(n, lanes, [=](int i) {
    float v = x[i];
    return __fmul_rn(v, v);
  });
  if (threadIdx.x == 0) partial[blockIdx.x] = s;
}

// The sum of one block times a factor: the mean of losses.
extern "C" __global__ void __launch_bounds__(128, 4) drn1_scaled_sum(int n, const float *__restrict__ x, float *__restrict__ y, float factor) {
  __shared__ float lanes[128];
  float s = drn1_block_sum(n, lanes, [=](int i) { return x[i]; });
  if (threadIdx.x == 0) *y = __fmul_rn(s, factor);
}

// One warp a row.
extern "C" __global__ void drn1_row_sum(int rows, int cols, const float *x, float *y) {
  int row = drn1_row();
  if (row >= rows) return;
  x += row * cols;
  float s = drn1_sum(cols, [=](int i) { return x[i]; });
  if (drn1_lane() == 0) y[row] = s;
}
