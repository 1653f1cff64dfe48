// Package trace records what a worker did, step by step, and the claim that commits to it.
//
// A step leaf binds the state before a step, the batch, the gradients, the clip coefficient, the loss
// and the state after it. The leaves of all steps make one RFC 6962 tree; its root, signed with the
// job, the worker and the slot, is the claim. Behind it the worker keeps a directory:
//
//	leaves.bin      the leaves, fixed width: the only file that everybody gets
//	digests.bin     for each step the digests of the gradient tensors and of the next state's
//	states/N.safetensors  the state before the first step of segment N
//	final.safetensors     the state after the last step
//
// A Writer takes whatever it is told: it is the verifier who finds out whether it is true.
package trace
