// Package simulated tests the contracts in the folder above on go-ethereum's
// simulated chain, under the rules of today and of the next fork. It is a
// module of its own, so that nobody who imports package proofs gets
// go-ethereum.
package simulated
