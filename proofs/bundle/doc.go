// Package bundle is what a ledger does with proofs: it reads .vproof files,
// each of which holds all that a stranger needs to judge one contribution, and
// keeps the few facts that only the ledger knows (which signers, which policy,
// which epoch was last), against which statements are accepted.
//
// Any byte of a bundle that was changed is refused, with the field at fault.
// ../SPEC.md has the file and the rules. No network is asked.
package bundle
