// Package proofs is the format of verifyd's signed statements about
// contributions: how they are laid out, signed, read and checked.
//
// A contribution proof says what one worker's training was worth and how it
// was checked. Its body is twenty words of thirty-two bytes (Solidity's static
// ABI encoding), so that every language and every ledger reads it at constant
// offsets; its signature is ECDSA P-256 over the SHA-256 of DSSE's
// pre-authentication encoding, so that OpenSSL, an EVM contract, a Solana
// program, a Cosmos module and a database trigger check the same bytes.
// SPEC.md has the layout in full.
//
// An integrator imports this package and nothing else of verifyd; it needs
// only the standard library. It never decides whether a claim is true: that is
// package verify. It holds no keys: a key is any [crypto.Signer].
package proofs
