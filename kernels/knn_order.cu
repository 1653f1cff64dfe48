// knn_order: KNNOrder in knn_order.go, contract.md section 14.2. A thread counts the columns before its own, which is its place: no
// column waits for another, and equal distances are told apart by index. Floor: N^2 comparisons a row; a block
// reads each distance of the row once.
#include "drn1.cuh"

extern "C" __global__ void __launch_bounds__(256) drn1_knn_order(int n, const int *__restrict__ distances, int *__restrict__ order) {
  __shared__ unsigned tile[256];
  int t = threadIdx.x, j = blockIdx.x * 256 + t, row = blockIdx.y * n;
  unsigned own = j < n ? (unsigned)distances[row + j] : 0u;
  int place = 0;
  for (int base = 0; base < n; base += 256) {
    int count = drn1_min(256, n - base);
    if (t < count) tile[t] = (unsigned)distances[row + base + t];
    __syncthreads();
    for (int k = 0; k < count; k++)
      if (tile[k] < own || (tile[k] == own && base + k < j)) place++;
    __syncthreads();
  }
  if (j < n) order[row + place] = j;
}
