// Package gate measures how much work a step of training is, in integers, product by product: whether its multiply-adds do
// anything, whether the rows that are multiplied differ, how many units of a layer are alive, whether biases drown sums, whether gradients vanish and updates leave parameters as
// they are. A state from which training is cheap is one of which these say so.
//
// A Plan says beforehand which elements of which operands of a step it wants, drawn by a seed that nobody knew when the
// step was claimed, and counts what they hold afterwards, so that it serves whatever has them. All counts are the same on
// every device. A Reference says what an honest step of the job counts, and which counts lie outside of it.
//
// The statistics and their thresholds have one name, Version. What is outside is never a lie by that alone: the package
// measures, and never judges a claim.
package gate
