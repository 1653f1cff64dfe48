// Package odds says how probably lies are found, and under which terms a lie does not pay.
//
// The unit is the lie: one false segment. One false step can stand for all the work but for the gate, because it can
// lead into a state from which the honest steps that follow cost next to nothing. So odds are counted for one lie
// first, then for several, then for shares of the segments.
//
// Chance is exact: a challenge draws k of N segments without replacement, and the last one besides. What a gate adds is
// measured ([Power]) and is never mixed into what is exact.
//
// [Terms] hold pay, cost, bond, hold and how much is drawn of whom. They meet three conditions or miss them:
//
//	one lie     q (1-b) p (S + (1+h) R) >= C, with the h claims that are held at that moment
//	new keys    R (1-p)^(h+1) - p S <= max(0, R - C), per claim, of whoever makes every claim false under ever new keys
//	each claim  the first condition for each number n of claims held, from none on, with what is drawn of such a worker
//
// The third is the first one where it is hardest, at a new key's first claim; what is [Drawn] falls with n as far as it
// allows. If it holds, no way to choose between work and lies, from claim to claim and from key to key, earns more
// than honest work: with the pay that is held counted as earned, each claim, true or false, earns R - C at most.
//
// The package is pure: no clock, no files, no randomness. Probabilities are fractions; where a power of one would be
// too long, it is rounded against the worker's loss, so that no condition is met by rounding.
package odds
