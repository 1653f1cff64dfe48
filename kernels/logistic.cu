// logistic.go: LogisticResidual, contract.md section 13. One thread a row of one model, so that
// neighbours read neighbouring words.
//
// Floor: 12 bytes a residual of one column, a read of the logit and the weight and a write. With more
// columns a thread reads its logits twice and its residuals once more, from the L2 if the models of the
// rows under way fit: 8 to 20 bytes.
#include "drn1.cuh"

extern "C" __global__ void drn1_logistic_residual(int n, int columns, int models, const float *logits, const float *weights, const int *labels, float *residual) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  int row = i / models, label = labels[row], at = row * columns * models + (i - row * models);
  bool known = label >= 0 && label < drn1_max(2, columns);
  float weight = weights[i];
  if (columns == 1) {
    float p = __fsub_rn(drn1_sigmoid(logits[at]), label == 1 ? 1.0f : 0.0f);
    residual[at] = known ? __fmul_rn(p, weight) : 0.0f;
    return;
  }
  float m = drn1_neg(drn1_inf()), l = 0.0f;
  for (int c = 0; c < columns; c++) {
    float v = logits[at + c * models];
    m = v > m ? v : m;
  }
  m = __fadd_rn(m, 0.0f);
  for (int c = 0; c < columns; c++) {
    float e = drn1_exp(__fsub_rn(logits[at + c * models], m));
    residual[at + c * models] = e;
    l = __fadd_rn(l, e);
  }
  float r = __fdiv_rn(1.0f, l);
  for (int c = 0; c < columns; c++) {
    float p = __fmul_rn(residual[at + c * models], r);
    if (c == label) p = __fsub_rn(p, 1.0f);
    residual[at + c * models] = known ? __fmul_rn(p, weight) : 0.0f;
  }
}
