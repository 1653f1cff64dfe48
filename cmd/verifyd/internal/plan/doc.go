// Package plan is what an operator asks before signing a job: what terms cost, in bytes and in time, and how the ways
// to be paid for no work fare under them. The formulas are package odds'; here strategies are played against rules, by
// formula and by dice, with the draws and the hold carried out claim by claim, so that one checks the other.
//
// It prints nothing, signs nothing and knows no clock. The same seed gives the same dice.
package plan
