// Package tabular reads tables from files of strangers, strictly, and writes tables of results.
//
// A table comes from
//
//   - .csv or .tsv (RFC 4180): fields between commas, semicolons or tabs, and at most one line of names;
//   - NumPy's .npy, versions 1 to 3, in C or Fortran order and in either order of bytes: integers and floating point of up
//     to 8 bytes, booleans, and text for labels; .npz, a ZIP file of those;
//   - .safetensors with F16, BF16, F32, F64, BOOL and integers;
//   - .parquet and .arrow or .feather, flat ones, through Apache Arrow's library.
//
// ReadData reads a data set as games take it: columns matched by name, labels as classes, owners as players.
// Classes depend on which rows share a label and on nothing else, so that values do not depend on codes.
//
// What a file leaves open is never guessed in silence. Whether the first line of a CSV is names, what separates its fields,
// and whether a first column without a name is a feature, is told by the file beyond doubt, or by a flag, or refused with the
// flag that settles it. Every number must be there and be finite. An error names the file, the line or row, the column
// and the limit.
//
// What a file says of its size is compared with its length and with the caller's limit before anything is allocated;
// compressed files may not become more than 1024 times as much, beyond 64 MiB.
//
// A feature becomes a binary64 number and then a float32, each by one rounding to nearest even, whichever file it came in,
// so that the same numbers give the same bits.
//
// The package never unpickles, never opens a path that a file names and never drops a row.
package tabular
