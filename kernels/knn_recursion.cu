// knn_recursion: KNNRecursion in knn_recursion.go, contract.md section 14.3. A block values one row: every thread sums the changes of its
// stretch of places, then adds those of the stretches behind it and walks its own from the back. A second kernel
// sums over the rows. Integers modulo 2^64 have one sum. Floor: 24 bytes a row and column.
#include "wide.cuh"

// knn_step is what the change of match between places i and i+1 is worth, from 1; the match itself at place n.
__device__ __forceinline__ drn1_wide knn_step(int i, int n, const int *__restrict__ order, const int *__restrict__ labels, int test,
                                              const int *__restrict__ table) {
  drn1_wide zero = {0u, 0u}, worth = drn1_wide_at(table, i);
  bool own = labels[order[i - 1]] == test, next = i < n && labels[order[i]] == test;
  if (own == next) return zero;
  return own ? worth : drn1_wide_neg(worth);
}

// drn1_knn_recursion writes the value of each column for row blockIdx.x to values, two words each.
extern "C" __global__ void __launch_bounds__(256) drn1_knn_recursion(int n, const int *__restrict__ order, const int *__restrict__ labels,
                                                                     const int *__restrict__ tests, const int *__restrict__ table, int *values) {
  __shared__ unsigned low[256], high[256];
  int t = threadIdx.x, row = blockIdx.x, size = (n + 255) / 256, test = tests[row];
  int first = drn1_min(t * size, n), last = drn1_min(first + size, n); // places first+1 to last
  order += row * n;
  values += 2 * row * n;
  drn1_wide sum = {0u, 0u};
  for (int i = last; i > first; i--) sum = drn1_wide_add(sum, knn_step(i, n, order, labels, test, table));
  low[t] = sum.low;
  high[t] = sum.high;
  __syncthreads();
  drn1_wide s = {0u, 0u};
  for (int k = t + 1; k < 256; k++) {
    drn1_wide behind = {low[k], high[k]};
    s = drn1_wide_add(s, behind);
  }
  for (int i = last; i > first; i--) {
    s = drn1_wide_add(s, knn_step(i, n, order, labels, test, table));
    values[2 * order[i - 1]] = (int)s.low;
    values[2 * order[i - 1] + 1] = (int)s.high;
  }
}

// drn1_knn_recursion_sum adds the rows up.
extern "C" __global__ void __launch_bounds__(256) drn1_knn_recursion_sum(int rows, int n, const int *__restrict__ values, int *__restrict__ sums) {
  int j = blockIdx.x * 256 + threadIdx.x;
  if (j >= n) return;
  drn1_wide sum = {0u, 0u};
  for (int r = 0; r < rows; r++) sum = drn1_wide_add(sum, drn1_wide_at(values, r * n + j));
  sums[2 * j] = (int)sum.low;
  sums[2 * j + 1] = (int)sum.high;
}
