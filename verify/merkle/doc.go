// Package merkle builds and checks Merkle trees as RFC 6962, section 2.1, lays them out: SHA-256,
// leaves hashed with a 0x00 prefix and nodes with 0x01, and an unbalanced tree split at the largest
// power of two below its size.
//
// Every signed document that carries a root of this package also carries [Version], so that a later
// construction can never be mistaken for this one.
//
// The package never reads files and knows nothing of what its leaves mean.
package merkle
