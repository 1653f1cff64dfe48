// Package job is the operator's side of the bargain: the manifest that is signed before any work is
// done, the data that it commits to, and the order in which each worker meets that data.
//
// Nothing that matters is left to the worker. The manifest fixes the program (with its optimizer and
// schedule), the data, the initial state, the seeds, the number of steps, how states are stored and
// how the claim will be sampled. The batch of a step is not claimed but derived, by a permutation
// keyed with the assignment's seed, the job, the worker, the slot and the epoch.
//
// The package never trains and never verifies.
package job
