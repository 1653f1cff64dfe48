// Package shapley is the room for games, estimators, intervals, oracles and transcripts: what a
// contribution was worth, in integers. It is empty so far. Until it values contributions, proofs state
// a Shapley value of 0 with a standard error of 0, and units follow from verified work alone.
//
// It will import kernels and verify/program, and never look at a signature, a ledger or a device.
package shapley
