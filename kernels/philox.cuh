// Philox4x32-10 on a GPU: contract.md section 8.1, defined by philox.go. 100 integer operations give
// four words.
#pragma once
#include "drn1.cuh"

struct drn1_words { unsigned w[4]; };

// drn1_philox is words 4*at to 4*at+3 of operator op's sequence. rng is the operand {seed low, seed
// high, counter, 0}.
__device__ __forceinline__ drn1_words drn1_philox(const int *rng, unsigned op, unsigned at) {
  unsigned k0 = (unsigned)rng[0], k1 = (unsigned)rng[1];
  unsigned c0 = at, c1 = 0, c2 = op, c3 = (unsigned)rng[2];
#pragma unroll
  for (int round = 0; round < 10; round++) {
    unsigned h0 = __umulhi(0xD2511F53u, c0), l0 = 0xD2511F53u * c0;
    unsigned h1 = __umulhi(0xCD9E8D57u, c2), l1 = 0xCD9E8D57u * c2;
    c0 = h1 ^ c1 ^ k0;
    c1 = l1;
    c2 = h0 ^ c3 ^ k1;
    c3 = l0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return drn1_words{{c0, c1, c2, c3}};
}
