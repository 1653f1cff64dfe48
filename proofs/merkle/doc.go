// Package merkle is the tree that ledgers pay from: OpenZeppelin's standard
// Merkle tree over Keccak-256, with one leaf an account. Its roots, paths and
// multiproofs are the ones that @openzeppelin/merkle-tree makes for the leaf
// encoding ["bytes32", "bytes32", "uint128", "bytes32"] and that MerkleProof.sol
// checks. ../SPEC.md has the layout.
//
// It knows nothing of epochs, signatures or logs: the log's trees are SHA-256
// trees of another shape.
package merkle
