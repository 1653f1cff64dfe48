// Package round makes the next base of a training in rounds out of what workers were verified to have trained, and lets anybody
// make it again.
//
//	Open       signs what a round is: base, jobs, validation rows, rule             (operator)
//	Aggregate  makes the next base from the finals with a PASS, and signs both      (operator)
//	Check      makes it again from the files, and names the first difference        (anybody)
//
// A round is a folder: round.json, program.json, base.safetensors, jobs/, finals/, verdicts/ and, once it is aggregated,
// aggregate.json and next.safetensors; with an outer momentum momentum.safetensors and next-momentum.safetensors besides.
// SPEC.md in the folder above has them byte by byte.
//
// Finals are read side by side, a piece of each at a time, and hashed as they are read into the mean: what is averaged is what was
// hashed, and if the root of one is not its claim's nothing is left. The numbers are a function of shapes, weights and the order
// of finals, which is that of job, worker and slot: never of threads, of pieces, or of how files were named.
//
// The package never judges a claim: it believes verdicts of the verifiers that the round names. It never decides who may take
// part, and never signs a round that it made no base for.
package round
