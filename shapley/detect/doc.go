// Package detect says how well values find rows that are known to be bad, such as those whose labels a test has
// flipped: bad rows should have the lowest values. The scores are exact fractions, so that they are the same on
// every machine.
//
// The package never decides that a row is bad: a low value may as well be a rare and right row.
package detect
