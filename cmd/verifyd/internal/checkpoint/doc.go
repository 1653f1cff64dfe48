// Package checkpoint moves the tensors of other tools' files into a program's base, and out of verifyd's files again.
//
// A checkpoint is one or more safetensors files: single ones, or a folder with the shards that its index names. Its tensors are
// matched with those of a program by name, after what the user says of prefixes; f16 and bf16 are widened, which is exact. What is
// written is a file of the protocol, or one that PyTorch reads. One tensor is in memory while the next one is read, and no more.
//
// The package never runs what a file holds, never opens a name from a file outside the folder of that file, and never decides
// that two names mean one tensor: it suggests.
package checkpoint
