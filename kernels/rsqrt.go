package kernels

import "math"

// sqrt is the correctly rounded square root: a binary32 root is computed without double rounding
// through binary64.
func sqrt(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// rsqrt is one over the square root, two roundings, contract.md section 5.5.
func rsqrt(x float32) float32 { return 1 / sqrt(x) }

// inverse is 1/n, the factor of every mean: n rounded to binary32, then one division.
func inverse(n int) float32 { return 1 / float32(n) }
