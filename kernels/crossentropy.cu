// crossentropy.go: CrossEntropy and CrossEntropyGrad, contract.md section 7.5. One warp a row; the mean
// of the losses is drn1_scaled_sum of sum.cu.
//
// Floor: forward 4 bytes a logit if the second pass over a row finds it in the L2 (50257 classes are
// 200 KB, 528 rows under way 106 MB: it does not, so 8 bytes), backward 8 bytes. An exp a logit, 1.1
// ps, is below either.
#include "r128.cuh"

extern "C" __global__ void drn1_cross_entropy(int rows, int classes, const float *logits, const int *labels, float *losses, float *max, float *sum) {
  int row = drn1_row();
  if (row >= rows) return;
  const float *x = logits + row * classes;
  float m = drn1_maximum(classes, x);
  float l = drn1_sum(classes, [=](int i) { return drn1_exp(__fsub_rn(x[i], m)); });
  if (drn1_lane() != 0) return;
  int label = labels[row];
  max[row] = m;
  sum[row] = l;
  losses[row] = label >= 0 && label < classes ? __fsub_rn(__fadd_rn(m, drn1_log(l)), x[label]) : 0.0f;
}

extern "C" __global__ void drn1_cross_entropy_grad(int rows, int classes, const float *logits, const int *labels, const float *max, const float *sum,
                                                   float *dlogits, float scale) {
  int row = drn1_row();
  if (row >= rows) return;
  const float *x = logits + row * classes;
  float *dx = dlogits + row * classes;
  int label = labels[row];
  float m = max[row], r = __fdiv_rn(1.0f, sum[row]);
  bool known = label >= 0 && label < classes;
  for (int i = drn1_lane(); i < classes; i += 32) {
    float p = __fmul_rn(drn1_exp(__fsub_rn(x[i], m)), r);
    if (i == label) p = __fsub_rn(p, 1.0f);
    dx[i] = known ? __fmul_rn(p, scale) : 0.0f;
  }
}
