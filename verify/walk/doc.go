// Package walk decides which segments of a claim are replayed, and in which order: those that were drawn and those that
// moved most, and, if one of them begins where training is cheap, a path from the public start to the segment that led
// there.
//
// A walk is a function of what is public once the beacon is, and of what the gate says of each segment that was
// replayed. So the worker walks it alone and opens all of it at once, and the verifier walks the same way. SPEC.md, Walk,
// has it number by number.
//
// The package replays nothing and reads nothing: what is known of a segment is told to it.
package walk
