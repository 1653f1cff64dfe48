// Package canary makes claims of which the operator knows what a verifier must find, and tells by the verdicts who does
// not look.
//
// A canary is trained by the pool's own trainer under a throw-away key that has an assignment like any other. Only the
// trace is made here; it is claimed, received, challenged, opened and judged by the commands that all claims go
// through, so that nothing but its false steps tells it from another. The answer is kept apart, and sealed by its hash.
//
// What must be found is computed after the draw: a lie in a segment that nobody replays counts as none. The package
// judges no claim and pays nobody.
package canary
