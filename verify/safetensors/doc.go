// Package safetensors reads and writes the safetensors format, strictly.
//
// A file is the header's length (8 bytes, little-endian), a JSON header, and the tensors' bytes.
// The reader takes a subset of what other readers take, because the files come from strangers:
//
//   - the header is at most 1 MiB, is one JSON object without duplicate or unknown keys, and is
//     followed by nothing but spaces;
//   - at most 8,192 tensors of at most 8 dimensions, none of them empty, with names of at most 256
//     characters out of A-Z a-z 0-9 . _ / -;
//   - the element types F32, I32, I64, U16 and U8;
//   - the tensors tile the data exactly, with no hole, no overlap and nothing after the last;
//   - each size is checked against the shape and against the caller's limit before anything is allocated.
//
// ReadLayout and WriteLayout take the element types that their caller knows, for files that are no part of the protocol.
//
// The writer's output is canonical: the same tensors in the same order give the same bytes.
// Compress and Decompress wrap files in zstd with bounded memory.
//
// The package never opens a path that a file names, and never interprets metadata.
package safetensors
