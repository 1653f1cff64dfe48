// Package robust says what a game pays to players who are not who they seem: one provider behind several
// names, copies, updates set against each other, and updates made for the validation rows.
//
// No value can be fair to all reported identities and also indifferent to how many identities somebody reports
// ("Quotient Semivalues", arXiv 2605.07663), and whoever pays nothing below zero pays for a loss that nobody has. The
// remedy is to value owners at one length: Prepare joins players of one owner and players whose updates are parallel or opposite, and makes all
// updates as long as the median; Once has a row of data count once, whoever brings it; Divide gives each player its part.
// New, Representatives and Weights, and Quotient do the same for clusters of any game, by updates or by rows, and Split divides a
// cluster's value among its members. What is alike but below the limits is reported as escaped.
//
// Simulate plays attacks on a game, as it comes and prepared, and says what each identity would be worth, before anybody relies on
// the game. What is paid for that is a policy's.
//
// Cosines and lengths are sums in binary64 in a fixed order, cosines rounded to 1e-9; overlaps and values are integers. Clusters and
// prepared rounds are the same on every machine.
//
// The package never says that somebody cheats: honest players with the same data are alike too. It removes
// nobody and moves no money.
package robust
