// Package robust says what a game pays to players who are not who they seem: one provider behind several
// names, copies, and updates made for the validation rows.
//
// No value can be fair to all reported identities and also indifferent to how many identities somebody reports
// ("Quotient Semivalues", arXiv 2605.07663). The remedy is to value clusters: New joins players whose
// updates point the same way or whose rows are the same, Representatives and Weights make the round of the
// clusters, Quotient any other game's, and Split divides a cluster's value among its members. What
// is alike but below the limits is reported as escaped.
//
// Simulate plays attacks on a game and says what each would have gained, before anybody relies on the game.
//
// Cosines are sums in binary64 in a fixed order, rounded to 1e-9; overlaps and values are integers. Clusters
// are the same on every machine.
//
// The package never says that somebody cheats: honest players with the same data are alike too. It removes
// nobody and moves no money.
package robust
