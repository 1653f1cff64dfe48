// Package score turns the verdicts of one epoch into what each account
// earns: it gathers the claims that package policy scores, from verdicts, the
// jobs' programs and the valuer's file, and states each award as a contribution
// to sign.
//
// It decides nothing: verdicts are package verify's, the arithmetic is package
// policy's. What is verified work is counted from the program that the operator
// signed, never taken from a worker.
package score
