// Package proofs is the format of verifyd's signed statements: how they are
// laid out, signed, read and checked.
//
// A [Contribution] says what one worker's training was worth and how it was
// checked; an [EpochRoot] every account's total at the end of an epoch; a
// [Revocation] takes one of these back; a [SignerSet] says who speaks for a
// pool. A body is a row of words of thirty-two bytes (Solidity's static ABI
// encoding), so that every language and every ledger reads it at constant
// offsets; a signature is over DSSE's pre-authentication encoding, by default
// ECDSA P-256, so that OpenSSL, an EVM contract, a Solana program, a Cosmos
// module and a database check the same bytes. SPEC.md has the format in full,
// README.md a way in, testdata/vectors what any reader must agree on.
//
// An integrator imports this package and those below it (merkle, epoch,
// bundle, translog) and nothing else of verifyd; they need the standard
// library, x/crypto, x/mod and decred's secp256k1. It never decides whether a
// claim is true: that is package verify. It holds no keys: a key is any
// [crypto.Signer]. Whether a ledger may act on a statement that verifies is
// for package bundle.
package proofs
