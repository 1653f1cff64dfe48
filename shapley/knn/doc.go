// Package knn is the data game by neighbours: what each training row was worth for a K-nearest-neighbour
// predictor, in closed form, in O(N log N) for each test row instead of 2^N.
//
// The variants, with the utility of a coalition S for one test row; that of a test set is the mean:
//
//	Unweighted   the share, of K, of the min(K,|S|) nearest that have the row's label; 0 if S is empty.
//	             Jia et al., "Efficient task-specific data valuation for nearest neighbor algorithms", VLDB 2019.
//	SoftLabel    the share of the min(K,|S|) nearest, of those; 1/classes if S is empty.
//	             Wang and Jia, "A note on 'Efficient task-specific data valuation ...'", 2023.
//	Threshold    the share of all within a radius; 1/classes if there are none. Linear time, no sort.
//	             Wang, Zhu, Wang, Jia and Mittal, "Threshold KNN-Shapley", NeurIPS 2023.
//	Weighted     as Unweighted, but a neighbour counts by its place among those of S: the sum of the weights of places
//	             whose rows match over that of all K weights. In O(N log N) for any K, since the weights are not
//	             renormalised; those that depend on the distance or decide by majority are not offered.
//	Regression   minus the squared error of the sum of the min(K,|S|) nearest targets over K. Jia et al. 2019.
//
// Classes are the different labels in both sets.
//
// All of it is integers. Features are quantised to int16 once, in a scale that is taken from the test rows alone (see Scale
// and Features): squared distances are then exact in 32 bits. Where that changed nothing the result says Exact; elsewhere it
// gives the step of the grid and a bound on what rounding changed of any value (Rounding). A training row beyond the grid is
// an Outlier, or clipped to its edge and counted.
//
// Of rows at the same distance those that do not match come first, so that a tie is never a merit; a regression puts the smaller
// target first. Then nothing about a row but its features and its label or target counts: identical rows, rows in another
// order and other names for labels have the same values, with ==. In Weighted the weight belongs to the place: of rows
// at the same distance those that match share the later places, and have equal values.
//
// What the order gives is multiplied by table entries that are multiples of 2^-s, such as 1/max(K,i) rounded to nearest, and
// summed in integers, so that neither the number of threads nor the instruction set shows in a bit. The recursion
// starts at 1/max(K,N): the 1/N of other libraries is wrong for K > N.
//
// Symmetry and null players hold with ==; efficiency but for the rounding of the tables, which the residual
// states and its bound limits. Options.Epsilon trades it for a selection of the nearest in place of a sort of all.
//
// Test rows are taken in tiles of at most 64, and training rows in blocks that a core's cache holds meanwhile: no
// N x M matrix exists.
//
// On a device whose memory is not this process', kernels.SqDistance, KNNOrder and KNNRecursion do the same for up to 512
// test rows at a time, with the same sums; radii and regressions take distances and orders from it.
//
// The package never reads a file, and no float leaves it but those of Features, which say how features were read.
package knn
