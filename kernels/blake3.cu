// BLAKE3 of tensors in device memory, as verify/state hashes them: a digest for each piece of at most 2^18
// words (1 MiB), little-endian, every NaN as 0x7fc00000 (contract.md section 10). BLAKE3 is O'Connor,
// Aumasson, Neves and Wilcox-O'Hearn's, specification of 2021.
//
// Floor: 4 bytes a word at 3.35 TB/s; a compression of 64 bytes is 7*8*(6 additions, 4 xors, 4
// rotations), 784 integer operations, 12.3 a byte: 132 SMs of 64 at 1.7 GHz give 1.2 TB/s, which is
// the limit. A block a piece: 256 threads hash its 1024 chunks of 1 KiB, then the levels of the tree.
// 48 KiB of shared memory, the most without asking, and about 64 registers: four blocks an SM. Expected: 500 GB/s.
#include "drn1.cuh"

static __device__ __forceinline__ unsigned rotate(unsigned x, int n) { return x >> n | x << (32 - n); }

static __device__ __forceinline__ void mix(unsigned *v, int a, int b, int c, int d, unsigned x, unsigned y) {
  v[a] = v[a] + v[b] + x;
  v[d] = rotate(v[d] ^ v[a], 16);
  v[c] = v[c] + v[d];
  v[b] = rotate(v[b] ^ v[c], 12);
  v[a] = v[a] + v[b] + y;
  v[d] = rotate(v[d] ^ v[a], 8);
  v[c] = v[c] + v[d];
  v[b] = rotate(v[b] ^ v[c], 7);
}

// The flags of a compression.
enum { BLAKE3_START = 1, BLAKE3_END = 2, BLAKE3_PARENT = 4, BLAKE3_ROOT = 8 };

// compress replaces the chaining value cv. It uses up m.
static __device__ __forceinline__ void compress(unsigned *cv, unsigned *m, unsigned counter, unsigned bytes, unsigned flags) {
  unsigned v[16] = {cv[0], cv[1], cv[2], cv[3], cv[4], cv[5], cv[6], cv[7], 0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au,
                    counter, 0, bytes, flags};
#pragma unroll
  for (int round = 0; round < 7; round++) {
    mix(v, 0, 4, 8, 12, m[0], m[1]);
    mix(v, 1, 5, 9, 13, m[2], m[3]);
    mix(v, 2, 6, 10, 14, m[4], m[5]);
    mix(v, 3, 7, 11, 15, m[6], m[7]);
    mix(v, 0, 5, 10, 15, m[8], m[9]);
    mix(v, 1, 6, 11, 12, m[10], m[11]);
    mix(v, 2, 7, 8, 13, m[12], m[13]);
    mix(v, 3, 4, 9, 14, m[14], m[15]);
    unsigned p[16] = {m[2], m[6], m[3], m[10], m[7], m[0], m[4], m[13], m[1], m[11], m[12], m[5], m[9], m[14], m[15], m[8]};
#pragma unroll
    for (int i = 0; i < 16; i++) m[i] = p[i];
  }
#pragma unroll
  for (int i = 0; i < 8; i++) cv[i] = v[i] ^ v[i + 8];
}

static __device__ __forceinline__ void initial(unsigned *cv) {
  const unsigned iv[8] = {0x6a09e667u, 0xbb67ae85u, 0x3c6ef372u, 0xa54ff53au, 0x510e527fu, 0x9b05688cu, 0x1f83d9abu, 0x5be0cd19u};
#pragma unroll
  for (int i = 0; i < 8; i++) cv[i] = iv[i];
}

// Block p writes the digest of piece p to digests[8*p] to digests[8*p+7], and to odd[p] whether the piece has a NaN or an infinity.
// Words 3*p to 3*p+2 of table are the low and the high half of the piece's offset in memory, in words, and its length, 1 to 2^18.
extern "C" __global__ void __launch_bounds__(256) drn1_blake3(const int *memory, const int *__restrict__ table, int *__restrict__ digests,
                                                              int *__restrict__ odd) {
  __shared__ unsigned low[1024][8], high[512][8]; // chaining values of one level of the tree and the next
  const int t = threadIdx.x, n = table[3 * blockIdx.x + 2], chunks = (n + 255) / 256;
  const int *__restrict__ x = memory + ((unsigned long long)(unsigned)table[3 * blockIdx.x + 1] << 32 | (unsigned)table[3 * blockIdx.x]);
  if (t == 0) odd[blockIdx.x] = 0;
  __syncthreads();
  bool strange = false;
  for (int c = t; c < chunks; c += 256) {
    unsigned cv[8];
    initial(cv);
    const int end = drn1_min(n, c * 256 + 256);
    for (int at = c * 256; at < end; at += 16) {
      unsigned m[16];
#pragma unroll
      for (int i = 0; i < 16; i++) {
        unsigned w = at + i < end ? (unsigned)x[at + i] : 0;
        strange = strange || (w & 0x7f800000u) == 0x7f800000u;
        m[i] = (w & 0x7fffffffu) > 0x7f800000u ? 0x7fc00000u : w;
      }
      unsigned flags = at == c * 256 ? BLAKE3_START : 0;
      if (at + 16 >= end) flags |= BLAKE3_END | (chunks == 1 ? BLAKE3_ROOT : 0);
      compress(cv, m, c, 4 * drn1_min(16, end - at), flags);
    }
#pragma unroll
    for (int i = 0; i < 8; i++) low[c][i] = cv[i];
  }
  if (strange) odd[blockIdx.x] = 1; // all who write, write the same
  __syncthreads();
  unsigned(*level)[8] = low, (*next)[8] = high;
  for (int count = chunks; count > 1; count = (count + 1) / 2) {
    for (int j = t; 2 * j < count; j += 256) {
      unsigned cv[8];
      if (2 * j + 1 < count) {
        unsigned m[16];
#pragma unroll
        for (int i = 0; i < 8; i++) {
          m[i] = level[2 * j][i];
          m[i + 8] = level[2 * j + 1][i];
        }
        initial(cv);
        compress(cv, m, 0, 64, BLAKE3_PARENT | (count == 2 ? BLAKE3_ROOT : 0));
      } else {
#pragma unroll
        for (int i = 0; i < 8; i++) cv[i] = level[2 * j][i]; // the odd one rises
      }
#pragma unroll
      for (int i = 0; i < 8; i++) next[j][i] = cv[i];
    }
    __syncthreads();
    unsigned(*other)[8] = level;
    level = next;
    next = other;
  }
  if (t < 8) digests[8 * blockIdx.x + t] = (int)level[0][t];
}
