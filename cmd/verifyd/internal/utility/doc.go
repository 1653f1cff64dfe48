// Package utility plays games whose utility is somebody else's process: a model in any language, asked over a pipe.
//
// The protocol is lines of JSON, docs/utility-protocol.md: the process says what it plays (Hello), verifyd asks for
// coalitions (a question), the process answers with a utility for each, in order, one question at a time. Utilities are
// decimal numbers and become whole units of 1e-9, rounded once, half to even.
//
// A process may be broken or hostile. What it writes is read only when an answer is due, and no further than an answer of that
// many utilities can be long; it may take as long as Options.Patience and no longer; whatever else it does ends the game with
// one Error, which names the coalition where there is one. Whether it answers the same twice is tried with coalitions that the
// run's seed draws.
//
// The package keeps no transcript: that is valuation's, and a game that ended with an error goes on from it.
package utility
