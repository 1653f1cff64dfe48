// Package export writes proofs in the forms of other systems: in-toto Statements, COSE_Sign1, EAS off-chain
// attestations and CSV claim lists.
//
// Each form carries the contribution's own bytes, so that nothing is lost and whoever reads it can go back
// to the proof: InToto, COSE and EAS have an inverse. The signatures are new ones, because every system signs
// other bytes; the proof's own signature stays the one that counts.
package export
