// rowmax.go: RowMax, contract.md section 1.3. One warp a row. Floor: 4 bytes an element.
#include "r128.cuh"

extern "C" __global__ void drn1_row_max(int rows, int cols, const float *x, float *y) {
  int row = drn1_row();
  if (row >= rows) return;
  float m = drn1_maximum(cols, x + row * cols);
  if (drn1_lane() == 0) y[row] = m;
}
