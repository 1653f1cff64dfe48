// embedding.go: Embedding, contract.md section 7.9. One warp a row, 16 bytes a thread where the table
// allows. Floor: 8 bytes an element.
#include "r128.cuh"

extern "C" __global__ void drn1_embedding(int rows, int vocab, int dim, const int *ids, const float *__restrict__ table, float *__restrict__ y) {
  int row = drn1_row();
  if (row >= rows) return;
  int id = ids[row];
  bool known = id >= 0 && id < vocab;
  const float *from = known ? table + id * dim : table;
  y += row * dim;
  if ((dim & 3) == 0 && drn1_is_vector(table) && drn1_is_vector(y)) {
#pragma unroll 4
    for (int i = drn1_lane(); i < dim >> 2; i += 32)
      ((float4 *)y)[i] = known ? ((const float4 *)from)[i] : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    return;
  }
#pragma unroll 4
  for (int i = drn1_lane(); i < dim; i += 32) y[i] = known ? from[i] : 0.0f;
}
