package shapley

// MaxExact is the largest number of players whose coalitions are enumerated.
const MaxExact = 24
