// random_crop.go: RandomCrop and RandomFlip, contract.md sections 8.5 and 8.6. Floor: 8 bytes an element; a thread draws for the image of
// each of its elements, which are few.
#include "philox.cuh"

extern "C" __global__ void drn1_random_crop(int n, const float *__restrict__ x, const int *rng, float *__restrict__ y, int channels, int height,
                                            int width, int h, int w, int pad, unsigned op) {
  int base = blockIdx.x * 1024, end = drn1_min(base + 1024, n);
  for (int i = base + threadIdx.x; i < end; i += 256) {
    int row = i / w, plane = row / h;
    drn1_words r = drn1_philox(rng, op, (unsigned)(plane / channels));
    int top = (int)__umulhi(r.w[0], (unsigned)(height + 2 * pad - h + 1)) - pad;
    int left = (int)__umulhi(r.w[1], (unsigned)(width + 2 * pad - w + 1)) - pad;
    int at = row - plane * h + top, column = i - row * w + left;
    bool inside = at >= 0 && at < height && column >= 0 && column < width;
    y[i] = inside ? x[(plane * height + at) * width + column] : 0.0f;
  }
}

// rows is the number of rows of an image, over all channels.
extern "C" __global__ void drn1_random_flip(int n, const float *__restrict__ x, const int *rng, float *__restrict__ y, int rows, int width, unsigned threshold,
                                            unsigned op) {
  int base = blockIdx.x * 1024, end = drn1_min(base + 1024, n);
  for (int i = base + threadIdx.x; i < end; i += 256) {
    int row = i / width, image = row / rows, column = i - row * width;
    drn1_words r = drn1_philox(rng, op, (unsigned)image >> 2);
    int k = image & 3;
    unsigned w = k == 0 ? r.w[0] : k == 1 ? r.w[1] : k == 2 ? r.w[2] : r.w[3];
    y[i] = x[row * width + (w < threshold ? width - 1 - column : column)];
  }
}
