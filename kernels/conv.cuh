// What the three convolutions share: the shape as the kernels get it, and the walk over pixels. conv_shape.go.
#pragma once
#include "product.cuh"

// CONV_SHAPE are the parameters of a convolution: conv_shape.go's, the output's size, and divisors by KH*KW, KW, the pixels and
// columns of the plane that columns or terms of the product run over, and the strides. In launch they are convArgs.
#define CONV_SHAPE                                                                                                    \
  int N, int C, int H, int W, int O, int KH, int KW, int StrideH, int StrideW, int PadH, int PadW, int OutH, int OutW, \
      int windowMagic, int windowShift, int tapMagic, int tapShift, int planeMagic, int planeShift, int lineMagic,     \
      int lineShift, int downMagic, int downShift, int rightMagic, int rightShift

#define CONV_GIVEN                                                                                                          \
  ConvShape {                                                                                                               \
    N, C, H, W, O, KH, KW, StrideH, StrideW, PadH, PadW, OutH, OutW, {(unsigned)windowMagic, (unsigned)windowShift},        \
        {(unsigned)tapMagic, (unsigned)tapShift}, {(unsigned)planeMagic, (unsigned)planeShift},                             \
        {(unsigned)lineMagic, (unsigned)lineShift}, {(unsigned)downMagic, (unsigned)downShift},                             \
        {(unsigned)rightMagic, (unsigned)rightShift}                                                                        \
  }

struct ConvShape {
  int N, C, H, W, O, KH, KW, StrideH, StrideW, PadH, PadW, OutH, OutW;
  Divisor window, tap, plane, line, down, right;
};

// Tap is k = (channel*KH + kh)*KW + kw taken apart.
struct Tap {
  int channel, kh, kw;
};

__device__ __forceinline__ Tap tapOf(const ConvShape &s, int k) {
  Tap t;
  t.channel = s.window.quotient(k);
  int rest = k - t.channel * s.KH * s.KW;
  t.kh = s.tap.quotient(rest);
  t.kw = rest - t.kh * s.KW;
  return t;
}

// Pixel is i = (image*height + row)*width + col taken apart, where plane and line divide by height*width and width.
struct Pixel {
  int image, row, col;
};

__device__ __forceinline__ Pixel pixelOf(const ConvShape &s, int i, int height, int width) {
  Pixel p;
  p.image = s.plane.quotient(i);
  int rest = i - p.image * height * width;
  p.row = s.line.quotient(rest);
  p.col = rest - p.row * width;
  return p;
}

// ImagePlace is the place of channel i of pixel j in a tensor of images.
struct ImagePlace {
  ConvShape s;
  int channels, pixels; // of an image
  __device__ __forceinline__ int operator()(int i, int j) const {
    int image = s.plane.quotient(j);
    return (image * channels + i) * pixels + (j - image * pixels);
  }
};
