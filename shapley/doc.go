// Package shapley says what contributions were worth: games, estimators, intervals, transcripts and audits.
//
// A Game gives each Coalition of players a utility, a whole number of 1e-9. Estimate values the players by one
// of Estimators; Check recomputes a Result from its transcript and asks the game for a random sample of the
// utilities again. Games are in the sub-packages: round (workers' updates of a model), knn and retrain
// (data), head (linear heads, enumerated in Gray-code order); Func and Table take any other.
//
// # Which estimator
//
//	exact        up to 24 players. Every axiom holds with ==.
//	antithetic   everything else with fixed weights: a pair is exact for 2-additive games, and a smooth
//	             utility of a weighted sum nearly is one. Efficiency and null player hold with ==.
//	             The usual certificate of a round is its closed second order and 16 pairs.
//	stratified   games whose weights are renormalised within a coalition. They pay free riders: avoid them.
//	owen, beta   null players get exactly 0.
//	banzhaf, kernel, leverage   noisy for null players: what is clipped at 0 and paid rewards whoever brings
//	             many of them. Pay on the lower end of an interval, or take another estimator.
//	permutation, truncated, gtg   for comparison with the literature.
//
// Where a budget covers all coalitions every estimator asks for all of them.
//
// # Intervals
//
// A game declares what is known of it before it is played (Facts): bounds of its utilities, players that change nothing. Within
// bounds intervals hold for any distribution and any number of samples; without them they are asymptotic, and named so.
// They are never chosen by what a sample looks like, and never 0 for what was sampled. Of estimators that are biased, or that reuse
// samples, there are none.
//
// # Bits
//
// Utilities, sums and values are integers and rationals, so no order of summation shows in a result. Random
// choices are Philox4x32-10 of (seed, index), so that any sample can be drawn again, and the seed comes from
// a beacon and from the game's root (DeriveSeed). Intervals are computed in binary64 with every rounding written
// and rounded up to whole 1e-9. The same game, seed and options give the same JSON on every machine, with
// any number of threads, in one go or resumed.
//
// Games of models compute their products in drn1/f32, whatever profile a job has; only inrun, which repeats the
// steps of a run, takes the run's.
//
// # Devices
//
// A game that computes is handed an engine.Device. On this process' processor it works on its data where they lie; on
// another device it runs the operators of package kernels in a memory there, with the same utilities.
//
// The package never looks at a signature, a ledger or a device, and holds no data of a game. None of its games starts
// a device.
package shapley
