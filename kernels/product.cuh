// The matrix product in the GEMM order (fold.go, contract.md section 2.1), for every operator that is one: gemm.cu and
// the three convolutions say where their factors lie, product does the rest.
//
// A block computes a Rows x Cols tile of the output for one part of K, a multiple of 512 terms that begins at a multiple of 512.
// A thread holds ThreadRows x ThreadCols chains P in registers and adds a finished chunk to its output in memory, which no other
// thread touches. So the running sum G costs one pass over the tile in 512 terms, not as many registers as P. Parts
// of K go to a workspace, laid out like the output, and drn1_product_fold (gemm.cu) adds them up in the contract's order.
//
// Rows, columns and terms outside of the product are loaded as +0 on both sides: fma(+0, +0, P) is P, but for the sign of a zero
// that the addition to G removes (contract.md section 2.2).
//
// Floor of the 128x128 tile: a term costs a thread 64 fma and four 16-byte reads of shared memory, 6 cycles of the shared memory's
// bandwidth a warp against 64 of fma over four schedulers, so fma is the limit: 128 lanes x 2 x 1.755 GHz x 132 = 59 TFLOP/s of
// an H100 at its boost clock. Traffic is 2*8*128*4 bytes for 128*128*8*2 operations, 32 operations a byte, from L2. The 64 chains, 16
// factors, 8 prefetched elements and addresses fit 128 registers without spills in gemm (ptxas 12.9, sm_90; conv2d and conv2d_grad_weight
// spill 36 and 44 bytes), so two blocks share a multiprocessor and one computes where the other waits at its barrier. Expected: 80 to 85 % of fma for K >= 512. The 64x64 tile (32 chains, 128 threads) reads 12 factors
// for 32 fma, expected 65 to 75 %; the 32x32 tile (16 chains, 64 threads) reads 8 for 16, expected 45 to 55 %.
#pragma once
#include "drn1.cuh"

// The GEMM order of drn1/f32, profile.go: terms a chunk, and chunks a group.
#define PRODUCT_CHUNK 512
#define PRODUCT_GROUP 16
// That of sums whose one factor is 1, columns.go, in every profile.
#define CHAIN_CHUNK PRODUCT_CHUNK
#define CHAIN_GROUP PRODUCT_GROUP

template <int R, int C, int D, int TR, int TC> struct Tile {
  static constexpr int Rows = R, Cols = C, Depth = D, ThreadRows = TR, ThreadCols = TC;
  static constexpr int Across = C / TC; // threads along a row of the tile
  static constexpr int Threads = R / TR * (C / TC);
  // Shared is what a block keeps of both factors: the terms that it computes with and the next ones. A kernel declares it. The
  // four further columns spread the terms of a row over the banks.
  struct alignas(16) Shared {
    float left[2][Depth][Rows + 4], right[2][Depth][Cols + 4];
  };
};
using LargeTile = Tile<128, 128, 8, 8, 8>;   // 256 threads
using MediumTile = Tile<64, 64, 16, 8, 4>;   // 128 threads
using SmallTile = Tile<32, 32, 16, 4, 4>;    // 64 threads

// Divisor divides by a constant of the launch: n / d for 0 <= n < 2^31, from launch.divisor.
struct Divisor {
  unsigned magic, shift;
  __device__ __forceinline__ int quotient(int n) const { return (int)((__umulhi((unsigned)n, magic) + (unsigned)n) >> shift); }
};

// four reads four neighbours, the first at a multiple of 16 bytes.
__device__ __forceinline__ void four(float *to, const float *from) {
  float4 v = *(const float4 *)from;
  to[0] = v.x;
  to[1] = v.y;
  to[2] = v.z;
  to[3] = v.w;
}

// hide makes x a number that the compiler knows nothing of, so that what follows from it is not computed before the loop and kept in
// registers through it.
__device__ __forceinline__ void hide(int &x) { asm volatile("" : "+r"(x)); }

// A factor (the left or the right one of a product) is a class with
//
//	Along          whether neighbouring terms, not neighbouring rows, are neighbours in memory
//	Row row(i)     what is known of row i of the left factor, or column i of the right one
//	Term term(k)   what is known of term k
//	load(row, term)
//
// Panel brings Lines rows of a factor, Depth terms of each, from memory to registers and on to shared memory. Its
// threads keep either their term (Along) or their row, so that one half of each address is computed once.
template <class Factor, int Lines, int Depth, int Threads> struct Panel {
  static constexpr int Each = Lines * Depth / Threads; // elements a thread
  static constexpr int Kept = Factor::Along ? Each : 1;

  Factor factor;
  typename Factor::Row rows[Kept];
  bool inside[Kept];
  float held[Each];

  __device__ __forceinline__ static int line(int e) {
    return Factor::Along ? (int)threadIdx.x / Depth + e * (Threads / Depth) : (int)threadIdx.x % Lines;
  }
  __device__ __forceinline__ static int depth(int e) {
    return Factor::Along ? (int)threadIdx.x % Depth : (int)threadIdx.x / Lines + e * (Threads / Lines);
  }
  __device__ __forceinline__ Panel(const Factor &f, int first, int limit) : factor(f) {
#pragma unroll
    for (int e = 0; e < Kept; e++) {
      int i = first + line(e);
      inside[e] = i < limit;
      rows[e] = factor.row(inside[e] ? i : 0);
    }
  }
  __device__ __forceinline__ void fetch(int k0, int end) {
    if (Factor::Along) {
      int k = k0 + depth(0);
      bool valid = k < end;
      typename Factor::Term t = factor.term(valid ? k : 0);
#pragma unroll
      for (int e = 0; e < Each; e++) held[e] = valid && inside[e % Kept] ? factor.load(rows[e % Kept], t) : 0.0f;
      return;
    }
#pragma unroll
    for (int e = 0; e < Each; e++) {
      int k = k0 + depth(e);
      held[e] = k < end && inside[0] ? factor.load(rows[0], factor.term(k)) : 0.0f;
    }
  }
  __device__ __forceinline__ void store(float (&s)[Depth][Lines + 4]) const {
#pragma unroll
    for (int e = 0; e < Each; e++) s[depth(e)][line(e)] = held[e];
  }
};

// productPart computes this block's tile of an M x N product of K terms: tile column blockIdx.x, tile row blockIdx.y, one part
// of K, split terms long. Element (i,j) goes to out[place(i,j)], part by part, size elements apart.
template <class T, class Left, class Right, class Place>
__device__ __forceinline__ void productPart(int M, int N, int K, int split, int part, const Left &left, const Right &right, const Place &place,
                                            float *out, int size, typename T::Shared &shared) {
  typedef Panel<Left, T::Rows, T::Depth, T::Threads> A;
  typedef Panel<Right, T::Cols, T::Depth, T::Threads> B;
  const int m0 = blockIdx.y * T::Rows, n0 = blockIdx.x * T::Cols;
  const int begin = part * split, end = K - begin > split ? begin + split : K;
  // A warp covers 4 x 8 threads, which is what makes its reads of shared memory few.
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  const int ty = warp / (T::Across / 8) * 4 + lane / 8, tx = warp % (T::Across / 8) * 8 + lane % 8;
  auto column = [&](int j) { return (j >> 2) * (T::Cols / (T::ThreadCols / 4)) + tx * 4 + (j & 3); };
  out += part * size;

  A a(left, m0, M);
  B b(right, n0, N);
  float p[T::ThreadRows][T::ThreadCols];
#pragma unroll
  for (int i = 0; i < T::ThreadRows; i++)
#pragma unroll
    for (int j = 0; j < T::ThreadCols; j++) p[i][j] = 0.0f;
  bool started = false; // whether out holds a sum of chunks

  int buffer = 0;
  a.fetch(begin, end);
  b.fetch(begin, end);
  a.store(shared.left[0]);
  b.store(shared.right[0]);
  __syncthreads();
  int next = begin;
  do { // once also where K is 0: the sum of nothing is +0
    next += T::Depth;
    if (next < end) {
      a.fetch(next, end);
      b.fetch(next, end);
    }
#pragma unroll
    for (int k = 0; k < T::Depth; k++) {
      float x[T::ThreadRows], y[T::ThreadCols];
#pragma unroll
      for (int i = 0; i < T::ThreadRows; i += 4) four(x + i, &shared.left[buffer][k][ty * T::ThreadRows + i]);
#pragma unroll
      for (int j = 0; j < T::ThreadCols; j += 4) four(y + j, &shared.right[buffer][k][column(j)]);
#pragma unroll
      for (int i = 0; i < T::ThreadRows; i++)
#pragma unroll
        for (int j = 0; j < T::ThreadCols; j++) p[i][j] = __fmaf_rn(x[i], y[j], p[i][j]);
    }
    if (next >= end || next % PRODUCT_CHUNK == 0) {
      int row = m0 + ty * T::ThreadRows, col = n0;
      hide(row);
      hide(col);
#pragma unroll
      for (int i = 0; i < T::ThreadRows; i++)
#pragma unroll
        for (int j = 0; j < T::ThreadCols; j++) {
          int m = row + i, n = col + column(j);
          if (m < M && n < N) {
            float *g = out + place(m, n);
            *g = __fadd_rn(started ? *g : 0.0f, p[i][j]);
          }
          p[i][j] = 0.0f;
        }
      started = true;
    }
    buffer ^= 1;
    if (next < end) {
      a.store(shared.left[buffer]);
      b.store(shared.right[buffer]);
    }
    __syncthreads();
  } while (next < end);
}

// product computes part blockIdx.z.
template <class T, class Left, class Right, class Place>
__device__ __forceinline__ void product(int M, int N, int K, int split, const Left &left, const Right &right, const Place &place,
                                        float *out, int size, typename T::Shared &shared) {
  productPart<T>(M, N, K, split, blockIdx.z, left, right, place, out, size, shared);
}

// folded adds up an output's parts, n words apart, which product left: per parts make a group.
__device__ __forceinline__ float folded(int n, int parts, int per, const float *__restrict__ w) {
  float s = 0.0f;
  for (int first = 0; first < parts; first += per) {
    int last = parts - first > per ? first + per : parts;
    float g = 0.0f;
    for (int part = first; part < last; part++) g = __fadd_rn(g, w[part * n]);
    s = __fadd_rn(s, g);
  }
  return s;
}

// Dense is a factor that lies in memory as a matrix: row i, term k at data[i*step + k], or at data[i + k*step] if Turned.
template <bool Turned> struct Dense {
  static constexpr bool Along = !Turned;
  typedef int Row;
  typedef int Term;
  const float *data;
  int step;
  __device__ __forceinline__ Row row(int i) const { return Turned ? i : i * step; }
  __device__ __forceinline__ Term term(int k) const { return Turned ? k * step : k; }
  __device__ __forceinline__ float load(Row r, Term t) const { return data[r + t]; }
};
