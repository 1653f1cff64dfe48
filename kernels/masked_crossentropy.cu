// masked_crossentropy.go: MaskedCrossEntropy and MaskedCrossEntropyGrad, contract.md section 7.5. One warp a row, as in
// crossentropy.cu; the mean of the rows that count is drn1_masked_mean.
//
// Floor: crossentropy.cu's, and with smoothing a third pass over a row, 12 bytes a logit where the L2 does not hold it.
#include "block_sum.cuh"

extern "C" __global__ void drn1_masked_cross_entropy(int rows, int classes, const float *logits, const int *labels, float *losses, float *counted, float *max,
                                                     float *sum, int ignore, float smoothing, float keep, float inverse) {
  int row = drn1_row();
  if (row >= rows) return;
  const float *x = logits + row * classes;
  float m = drn1_maximum(classes, x);
  float l = drn1_sum(classes, [=](int i) { return drn1_exp(__fsub_rn(x[i], m)); });
  float mean = smoothing != 0.0f ? __fmul_rn(drn1_sum(classes, [=](int i) { return x[i]; }), inverse) : 0.0f;
  if (drn1_lane() != 0) return;
  int label = labels[row];
  bool known = label >= 0 && label < classes && label != ignore;
  max[row] = m;
  sum[row] = l;
  counted[row] = known ? 1.0f : 0.0f;
  float loss = 0.0f;
  if (known) {
    float all = __fadd_rn(m, drn1_log(l));
    loss = __fsub_rn(all, x[label]);
    if (smoothing != 0.0f) loss = __fadd_rn(__fmul_rn(keep, loss), __fmul_rn(smoothing, __fsub_rn(all, mean)));
  }
  losses[row] = loss;
}

// The losses of one block of rows, or the sums of several blocks, over how many of them count.
extern "C" __global__ void __launch_bounds__(128, 4) drn1_masked_mean(int n, const float *__restrict__ losses, const float *__restrict__ counted,
                                                                      float *__restrict__ loss, float *__restrict__ share) {
  __shared__ float lanes[256];
  float s = drn1_block_sum(n, lanes, [=](int i) { return losses[i]; });
  float c = drn1_block_sum(n, lanes + 128, [=](int i) { return counted[i]; });
  if (threadIdx.x != 0) return;
  float each = c > 0.0f ? __fdiv_rn(1.0f, c) : 0.0f;
  *loss = __fmul_rn(s, each);
  *share = each;
}

extern "C" __global__ void drn1_masked_cross_entropy_grad(int rows, int classes, const float *logits, const int *labels, const float *share, const float *max,
                                                          const float *sum, float *dlogits, int ignore, float named, float other, float scale) {
  int row = drn1_row();
  if (row >= rows) return;
  const float *x = logits + row * classes;
  float *dx = dlogits + row * classes;
  int label = labels[row];
  float m = max[row], r = __fdiv_rn(1.0f, sum[row]), s = __fmul_rn(scale, *share);
  bool known = label >= 0 && label < classes && label != ignore;
  for (int i = drn1_lane(); i < classes; i += 32) {
    float p = __fmul_rn(drn1_exp(__fsub_rn(x[i], m)), r);
    dx[i] = known ? __fmul_rn(__fsub_rn(p, i == label ? named : other), s) : 0.0f;
  }
}
