// rope.go and rope_table.go: Rope and RopeTable, contract.md sections 5.10 and 7.10. Floor: 8 bytes an element for rope, whose table stays
// in the cache; some 600 integer operations an angle for rope_table, which has few.
#include "drn1.cuh"

typedef unsigned long long Wide;

// high is the upper half of a product of 64 bits.
__device__ __forceinline__ Wide high(Wide a, Wide b) {
  Wide al = (unsigned)a, ah = a >> 32, bl = (unsigned)b, bh = b >> 32;
  Wide middle = ah * bl + (al * bl >> 32);
  return ah * bh + (middle >> 32) + (((unsigned)middle + al * bh) >> 32);
}

// sincos.go: the fraction of a turn, in 2^-64.
__device__ __forceinline__ Wide turnOf(Wide m, int shift) {
  const Wide c1 = 0x28be60db9391054aull, c0 = 0x7f09d5f47d4d3770ull;
  Wide carried = high(m, c0), low = m * c1, p2 = high(m, c1), p1 = low + carried;
  if (p1 < low) p2++;
  if (shift == 0) return p1;
  if (shift < 64) return p1 >> shift | p2 << (64 - shift);
  return shift < 128 ? p2 >> (shift - 64) : 0;
}

// sincos.go: n in 2^-63 as a number.
__device__ __forceinline__ float fixed(Wide n, bool negative) {
  if (n == 0) return 0.0f;
  int lead = 0;
#pragma unroll
  for (int h = 32; h > 0; h >>= 1)
    if (n >> (64 - h) == 0) {
      n <<= h;
      lead += h;
    }
  unsigned m = (unsigned)(n >> 40);
  Wide rest = n & ((1ull << 40) - 1);
  if (rest > 1ull << 39 || (rest == 1ull << 39 && (m & 1) == 1)) m++;
  return __int_as_float((int)((((unsigned)(127 - lead) << 23) + m - (1u << 23)) | (negative ? 0x80000000u : 0u)));
}

// INVERSE is 1/(j*(j-1)) in 2^-64, rounded down. Of these divisors 2 alone divides 2^64.
#define INVERSE(j) (~0ull / (Wide)((j) * ((j)-1)) + ((j) == 2))

// drn1_sincos: sincos.go, contract.md section 5.10.
__device__ __forceinline__ void drn1_sincos(float x, float *sin, float *cos) {
  unsigned u = (unsigned)__float_as_int(x), a = u & 0x7fffffffu;
  if (a >= 0x4b800000u) {
    *sin = *cos = drn1_nan();
    return;
  }
  unsigned m = a & 0x7fffffu;
  int e = (int)(a >> 23);
  if (e > 0)
    m |= 1u << 23;
  else
    e = 1;
  Wide turn = turnOf(m, 150 - e), v = turn & ((1ull << 62) - 1);
  int quarter = (int)(turn >> 62);
  bool swap = v > 1ull << 61;
  if (swap) v = (1ull << 62) - v;
  Wide angle = high(v << 2, 0xc90fdaa22168c234ull) << 1, z = high(angle, angle);
  Wide even = 1ull << 63, odd = 1ull << 63;
#define TERM(y, j) y = (1ull << 63) - high(high(z, y), INVERSE(j))
  TERM(even, 18);
  TERM(even, 16);
  TERM(even, 14);
  TERM(even, 12);
  TERM(even, 10);
  TERM(even, 8);
  TERM(even, 6);
  TERM(even, 4);
  TERM(even, 2);
  TERM(odd, 19);
  TERM(odd, 17);
  TERM(odd, 15);
  TERM(odd, 13);
  TERM(odd, 11);
  TERM(odd, 9);
  TERM(odd, 7);
  TERM(odd, 5);
  TERM(odd, 3);
#undef TERM
  Wide c = even, s = high(angle, odd);
  if (swap != ((quarter & 1) == 1)) {
    Wide t = c;
    c = s;
    s = t;
  }
  *sin = fixed(s, (quarter >= 2) != (u >> 31 == 1));
  *cos = fixed(c, quarter == 1 || quarter == 2);
}

// drn1_rope_table computes 16 pairs from first on, one a thread: frequency first+j is fj.
extern "C" __global__ void __launch_bounds__(256) drn1_rope_table(int positions, int offset, int pairs, int first, float f0, float f1, float f2, float f3,
                                                                  float f4, float f5, float f6, float f7, float f8, float f9, float f10, float f11,
                                                                  float f12, float f13, float f14, float f15, float *__restrict__ cos,
                                                                  float *__restrict__ sin) {
  int p = blockIdx.x * 16 + (threadIdx.x >> 4), j = threadIdx.x & 15;
  if (p >= positions || first + j >= pairs) return;
  float f = f0;
#define PICK(n) f = j == n ? f##n : f
  PICK(1);
  PICK(2);
  PICK(3);
  PICK(4);
  PICK(5);
  PICK(6);
  PICK(7);
  PICK(8);
  PICK(9);
  PICK(10);
  PICK(11);
  PICK(12);
  PICK(13);
  PICK(14);
  PICK(15);
#undef PICK
  int at = p * pairs + first + j;
  drn1_sincos(__fmul_rn(__int2float_rn(offset + p), f), sin + at, cos + at);
}

// drn1_rope treats a pair a thread, or one of the dimensions that stay: halves are the pairs and what stays of a head.
extern "C" __global__ void __launch_bounds__(256) drn1_rope(int n, int positions, int heads, int depth, int pairs, int interleaved, int inverse,
                                                            const float *x, const float *__restrict__ cos, const float *__restrict__ sin, float *y) {
  int i = blockIdx.x * 256 + threadIdx.x;
  if (i >= n) return;
  int units = depth - pairs, head = i / units, unit = i - head * units;
  x += head * depth;
  y += head * depth;
  if (unit >= pairs) {
    y[pairs + unit] = x[pairs + unit];
    return;
  }
  int at = head / heads % positions * pairs + unit;
  float c = cos[at], s = sin[at];
  if (inverse) s = drn1_neg(s);
  int left = interleaved ? 2 * unit : unit, right = interleaved ? left + 1 : unit + pairs;
  float a = x[left], b = x[right];
  y[left] = __fsub_rn(__fmul_rn(a, c), __fmul_rn(b, s));
  y[right] = __fadd_rn(__fmul_rn(b, c), __fmul_rn(a, s));
}
