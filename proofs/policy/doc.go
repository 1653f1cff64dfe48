// Package policy is the scoring policy: the governed document that says what a
// verified claim earns, and the arithmetic that applies it.
//
// A [Policy] is canonical JSON with a SHA-256, which the job names before any
// work is done and which every contribution proof repeats. [Score] turns the
// claims of one epoch into units. It takes integers, gives integers, and rounds
// down once for an identity and once for a worker; what is lost by that goes to
// a named dust account, so that the sum is exact. SPEC.md has the document
// field by field, the formulas, and what is proven about them: who can gain by
// what, and who cannot.
//
// The package never decides whether a claim is true, never measures anything
// and never asks a worker: verified work is counted from the program, and the
// other metrics are the valuer's.
package policy
