// Package epoch makes an epoch's leaves, tree and root out of the epoch
// before it and the epoch's contributions. Totals only grow, every unit that
// the epoch emits is on some account's leaf, and what nobody earned is on the
// dust account's, so that the leaves add up to the root's total exactly.
//
// It decides nothing about merit: units are what contributions state. It signs
// nothing: [proofs.Sign] does.
package epoch
