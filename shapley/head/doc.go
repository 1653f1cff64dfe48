// Package head is the game of a linear head whose workers' updates are known: a coalition's logits are
// integers, the base's plus the members' contributions, and its utility is the share of rows that it
// predicts rightly.
//
// Exact walks all 2^n coalitions in Gray-code order with one addition a step. It packs the margins of the
// right class over the others, four to a word if their range fits 16 bits and two otherwise, so that one
// 64-bit addition moves them all and the sign bits of their conjunction count the right rows. All of it
// is integer: the same on every machine and with any number of threads.
//
// The package never trains and holds no floats but the features and updates that Quantise reads.
package head
