// Package tabular reads tables of numbers from files, strictly, and writes tables of results.
//
// A matrix, its labels or its targets come from
//
//   - NumPy's .npy, versions 1 to 3: one array of one or two dimensions in C order, of the types
//     <f4 <f8 |i1 <i2 <i4 <i8 |u1 <u2 and |b1;
//   - .csv with commas (RFC 4180): numbers, and at most one line of names above them;
//   - .safetensors, by package verify/safetensors.
//
// Files come from strangers. What a file says of its size is compared with its length and with the
// caller's limit before anything is allocated, every number must be finite, and an error names the
// file, the place in it and the limit. A number becomes a float32 by one rounding to nearest even,
// whichever file it came in, so that the same numbers give the same bits.
//
// The package never unpickles, never opens a path that a file names, never guesses at a number that
// is missing and never drops a row.
package tabular
