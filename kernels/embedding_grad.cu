// embedding_grad: EmbeddingGrad in embedding.go, contract.md section 7.9. The table is zeroed, the rows of dy are linked into one list
// for each id, and each list is summed in ascending order by the blocks of its first row. Rows with another id are no terms, so
// nothing of them is read. Integers decide who adds what, so no sum depends on timing.
// Floor: 4 bytes an element of the table and of dy. The links cost Rows^2 comparisons, 8192^2 * 4 operations or 10 us on 128 of
// an H100's multiprocessors; a list is a chain of loads, 0.6 us a row where they come from L2.
#include "product.cuh"

// drn1_embedding_grad_links sets next[r] to the next row after r with r's id, or -1, and head[r] to 1 if no earlier one has it.
extern "C" __global__ void __launch_bounds__(128) drn1_embedding_grad_links(int rows, const int *__restrict__ ids, int *__restrict__ next,
                                                                            int *__restrict__ head) {
  __shared__ int tile[128];
  int t = threadIdx.x, r = blockIdx.x * 128 + t;
  int id = r < rows ? ids[r] : 0, following = -1, first = 1;
  for (int base = 0; base < rows; base += 128) {
    int n = drn1_min(128, rows - base);
    if (t < n) tile[t] = ids[base + t];
    __syncthreads();
    for (int j = 0; j < n; j++) {
      if (tile[j] != id) continue;
      if (base + j < r) first = 0;
      if (base + j > r && following < 0) following = base + j;
    }
    __syncthreads();
  }
  if (r < rows) {
    next[r] = following;
    head[r] = first;
  }
}

// drn1_embedding_grad sums the list that begins at row blockIdx.x, if one does, in columns 128*blockIdx.y and on.
extern "C" __global__ void __launch_bounds__(128) drn1_embedding_grad(int vocab, int dim, const int *__restrict__ ids, const int *__restrict__ next,
                                                                      const int *__restrict__ head, const float *__restrict__ dy,
                                                                      float *__restrict__ dtable) {
  int r = blockIdx.x, j = blockIdx.y * 128 + threadIdx.x, id = ids[r];
  if (head[r] == 0 || id < 0 || id >= vocab || j >= dim) return;
  float p = 0.0f, g = 0.0f, s = 0.0f;
  int chunk = r / CHAIN_CHUNK;
  for (int k = r; k >= 0; k = next[k]) {
    int here = k / CHAIN_CHUNK;
    if (here != chunk) {
      g = __fadd_rn(g, p);
      p = 0.0f;
      if (here / CHAIN_GROUP != chunk / CHAIN_GROUP) {
        s = __fadd_rn(s, g);
        g = 0.0f;
      }
      chunk = here;
    }
    p = __fadd_rn(p, dy[k * dim + j]);
  }
  dtable[id * dim + j] = __fadd_rn(s, __fadd_rn(g, p));
}
