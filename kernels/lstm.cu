// lstm.go: LSTMCell and LSTMCellGrad, contract.md section 17.1. A thread a cell. Floor: 60 bytes a cell for the layer, 76
// for the gradient.
#include "drn1.cuh"

__device__ __forceinline__ float drn1_gate(const float *x, const float *h, const float *b, int k) { return __fadd_rn(x[k], __fadd_rn(h[k], b[k])); }

extern "C" __global__ void drn1_lstm_cell(int cells, int Hidden, int Steps, int Step, const float *__restrict__ x, const float *__restrict__ h, const float *__restrict__ b,
                                          const float *__restrict__ before, float *__restrict__ y, float *__restrict__ c, float *__restrict__ gates) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= cells) return;
  int row = i / Hidden, k = i - row * Hidden;
  x += (row * Steps + Step) * 4 * Hidden;
  h += row * 4 * Hidden;
  gates += row * 4 * Hidden;
  float in = drn1_sigmoid(drn1_gate(x, h, b, k)), forget = drn1_sigmoid(drn1_gate(x, h, b, Hidden + k));
  float cell = drn1_tanh(drn1_gate(x, h, b, 2 * Hidden + k)), out = drn1_sigmoid(drn1_gate(x, h, b, 3 * Hidden + k));
  float state = __fadd_rn(__fmul_rn(forget, before[i]), __fmul_rn(in, cell));
  gates[k] = in;
  gates[Hidden + k] = forget;
  gates[2 * Hidden + k] = cell;
  gates[3 * Hidden + k] = out;
  c[i] = state;
  y[i] = __fmul_rn(out, drn1_tanh(state));
}

extern "C" __global__ void drn1_lstm_cell_grad(int cells, int Hidden, int Steps, int Step, const float *__restrict__ gates, const float *__restrict__ before,
                                               const float *__restrict__ c, const float *__restrict__ dy, const float *__restrict__ dh, const float *__restrict__ dnext,
                                               float *__restrict__ dx, float *__restrict__ dbefore) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= cells) return;
  int row = i / Hidden, k = i - row * Hidden;
  gates += row * 4 * Hidden;
  dx += row * 4 * Hidden;
  float in = gates[k], forget = gates[Hidden + k], cell = gates[2 * Hidden + k], out = gates[3 * Hidden + k], t = drn1_tanh(c[i]);
  float d = __fadd_rn(dy[(row * Steps + Step) * Hidden + k], dh[i]);
  float dc = drn1_mad(__fmul_rn(d, out), __fsub_rn(1.0f, __fmul_rn(t, t)), dnext[i]);
  dx[k] = __fmul_rn(__fmul_rn(dc, cell), __fmul_rn(in, __fsub_rn(1.0f, in)));
  dx[Hidden + k] = __fmul_rn(__fmul_rn(dc, before[i]), __fmul_rn(forget, __fsub_rn(1.0f, forget)));
  dx[2 * Hidden + k] = __fmul_rn(__fmul_rn(dc, in), __fsub_rn(1.0f, __fmul_rn(cell, cell)));
  dx[3 * Hidden + k] = __fmul_rn(__fmul_rn(d, t), __fmul_rn(out, __fsub_rn(1.0f, out)));
  dbefore[i] = __fmul_rn(dc, forget);
}
