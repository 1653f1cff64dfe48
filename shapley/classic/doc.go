// Package classic holds games of the literature whose Shapley values are known in closed form: oracles for
// estimators, and examples.
//
// It never estimates anything: a game here comes with its exact values as rationals.
package classic
