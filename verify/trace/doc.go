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
//	marks.bin       what the trace is of, and for each of these states the root of the leaves before it
//
// The directory is its own journal: whatever a process that ended, a power failure or a disk left of it, [Open] and
// [Writer.Resume] find what is sound from its beginning on, by the roots that are there, and go on behind that. Nothing rests on the
// order in which files reach the disk; they are brought there now and then, for at most a hundredth of the time.
//
// A Writer takes whatever it is told: it is the verifier who finds out whether it is true.
package trace
