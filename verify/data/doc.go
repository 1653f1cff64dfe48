// Package data reads the samples of a job where they lie: in one or many files of tensors or tokens, larger than memory as they
// may be.
//
// Files are read in place, a sample at a time, and never mapped: a file that is cut while it is read is an error, where a mapping
// would end the process. One pass over the files hashes every sample (Commit); an index keeps those hashes in a file, for proofs
// and to find what has changed since. Whoever wants to be sure that a sample is the one that was committed to compares its hash
// with Leaf.
//
// Files are those that the caller names, in the caller's order. The package opens no path that a file or a document names.
package data
