// conv2d, conv2d_grad_input and conv2d_grad_weight in groups and with taps apart: conv2d.go, conv2d_grad_input.go and
// conv2d_grad_weight.go, contract.md section 2.4. A thread makes an output's sum, or a chunk of a weight's gradient, which
// drn1_product_fold (gemm.cu) adds up.
//
// Floor: one channel a group has 2*KH*KW operations for 8 bytes, memory's bandwidth; neighbours share pixels and weights
// through the L1. A filter of many channels reads each pixel from there again, a quarter of the tiles' fma at best.
#include "product.cuh"

#define DIRECT_SHAPE \
  int C, int H, int W, int O, int KH, int KW, int StrideH, int StrideW, int PadH, int PadW, int OutH, int OutW, int Groups, int DownH, int AcrossW

// Chain is a sum in the GEMM order, term by term.
struct Chain {
  float p, g, s;
  int k;
  __device__ __forceinline__ Chain() : p(0.0f), g(0.0f), s(0.0f), k(0) {}
  __device__ __forceinline__ void add(float a, float b) {
    if (k == PRODUCT_CHUNK * PRODUCT_GROUP) {
      g = __fadd_rn(g, p);
      s = __fadd_rn(s, g);
      p = g = 0.0f;
      k = 0;
    } else if (k > 0 && k % PRODUCT_CHUNK == 0) {
      g = __fadd_rn(g, p);
      p = 0.0f;
    }
    p = __fmaf_rn(a, b, p);
    k++;
  }
  __device__ __forceinline__ float sum() const { return __fadd_rn(s, __fadd_rn(g, p)); }
};

extern "C" __global__ void __launch_bounds__(256) drn1_conv2d_direct(int n, const float *__restrict__ x, const float *__restrict__ w, float *__restrict__ y, DIRECT_SHAPE) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  int ow = i % OutW, oh = i / OutW % OutH, o = i / (OutW * OutH) % O, image = i / (OutW * OutH) / O;
  int channels = C / Groups, top = oh * StrideH - PadH, left = ow * StrideW - PadW;
  int plane = (image * C + o / (O / Groups) * channels) * H * W, tap = o * channels * KH * KW;
  Chain chain;
  for (int c = 0; c < channels; c++, plane += H * W)
    for (int kh = 0; kh < KH; kh++) {
      int ih = top + kh * DownH;
      for (int kw = 0; kw < KW; kw++, tap++) {
        int iw = left + kw * AcrossW;
        chain.add(w[tap], ih >= 0 && ih < H && iw >= 0 && iw < W ? x[plane + ih * W + iw] : 0.0f);
      }
    }
  y[i] = chain.sum();
}

extern "C" __global__ void __launch_bounds__(256) drn1_conv2d_grad_input_direct(int n, const float *__restrict__ dy, const float *__restrict__ w, float *__restrict__ dx, DIRECT_SHAPE) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  int iw = i % W, ih = i / W % H, c = i / (W * H) % C, image = i / (W * H) / C;
  int channels = C / Groups, filters = O / Groups, group = c / channels;
  int plane = (image * O + group * filters) * OutH * OutW, tap = (group * filters * channels + c % channels) * KH * KW;
  Chain chain;
  for (int o = 0; o < filters; o++, plane += OutH * OutW, tap += channels * KH * KW)
    for (int kh = 0; kh < KH; kh++) {
      int down = ih + PadH - kh * DownH, oh = down / StrideH;
      bool row = down >= 0 && oh * StrideH == down && oh < OutH;
      for (int kw = 0; kw < KW; kw++) {
        int across = iw + PadW - kw * AcrossW, ow = across / StrideW;
        bool met = row && across >= 0 && ow * StrideW == across && ow < OutW;
        chain.add(w[tap + kh * KW + kw], met ? dy[plane + oh * OutW + ow] : 0.0f);
      }
    }
  dx[i] = chain.sum();
}

// out is [chunks][n]: thread i of row blockIdx.y sums chunk blockIdx.y of weight i.
extern "C" __global__ void __launch_bounds__(256) drn1_conv2d_grad_weight_direct(int n, int terms, const float *__restrict__ x, const float *__restrict__ dy, float *__restrict__ out, DIRECT_SHAPE) {
  int i = blockIdx.x * 256 + threadIdx.x, begin = blockIdx.y * PRODUCT_CHUNK;
  if (i >= n) return;
  int channels = C / Groups, kw = i % KW, kh = i / KW % KH, o = i / (KW * KH) / channels;
  int c = o / (O / Groups) * channels + i / (KW * KH) % channels;
  int end = drn1_min(terms, begin + PRODUCT_CHUNK), right = kw * AcrossW - PadW, under = kh * DownH - PadH;
  int ow = begin % OutW, oh = begin / OutW % OutH, image = begin / (OutW * OutH);
  float p = 0.0f;
  for (int k = begin; k < end; k++) {
    int ih = oh * StrideH + under, iw = ow * StrideW + right;
    float pixel = ih >= 0 && ih < H && iw >= 0 && iw < W ? x[((image * C + c) * H + ih) * W + iw] : 0.0f;
    p = __fmaf_rn(pixel, dy[((image * O + o) * OutH + oh) * OutW + ow], p);
    if (++ow == OutW) {
      ow = 0;
      if (++oh == OutH) {
        oh = 0;
        image++;
      }
    }
  }
  out[blockIdx.y * n + i] = __fadd_rn(0.0f, p);
}
