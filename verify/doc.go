// Package verify checks claims of training work by running a random sample of it again, bit for bit.
//
// The verbs, in the order of a claim's life:
//
//	Accept    reads an operator's job and program: the terms that both sides keep to
//	Assign    gives a slot to a worker, with the seed of its order        (operator)
//	Train     does the work and leaves a trace                            (worker)
//	Claim     signs a commitment to the trace                             (worker)
//	Receive   signs the time at which a claim arrived with its leaves     (operator)
//	Renew     signs another one where witnesses saw it too late           (operator)
//	Draw      derives the challenged segments from claim and beacon       (anybody)
//	Answer    meets a challenge with states, batches and digests          (worker)
//	ReceiveOpening  signs the time at which that arrived                  (operator)
//	OpeningEntry    is entered into a log where the operator does not     (worker)
//	OpenCase  reads all that a claim rests on, once                       (verifier)
//	Replay    runs one opened segment of a case again                     (verifier)
//	Conclude  says PASS, FAIL or INCONCLUSIVE on the results              (verifier)
//	Judge     does these three on a bundle                                (verifier)
//
// A bundle is a directory or a tar file that holds all of it: job.json, program.json,
// assignment.json, claim.json, receipt.json, beacon.json, opening.json, opened.json, leaves.bin and openings/; where the
// job names a log, also the proofs that it has what the operator signed, by its witnesses in time if it has any. With the
// operator's public key it is enough to repeat a verdict anywhere. SPEC.md gives the files byte by byte.
//
//	c, err := verify.OpenCase(ctx, source, operator)
//	result, err := c.Replay(ctx, c.Challenge.Segments[0], device)   // anywhere, in any order
//	verdict, err := c.Conclude(results)
//
// What comes from a worker is hostile. Sizes are known from the job before a file is read, no path is
// taken from a file, and every refusal is an [Error] with its class, the file and the field. An error means that the
// bundle cannot be judged; a claim that is wrong, or that the worker signed and nobody can read, is a FAIL, not an error. Whether the bundle, the
// operator or this machine is to blame for one, [ClassOf] and [Class.Blames] say.
//
// The package never chooses the device: where a program's state lives and its steps run is handed in as
// [engine.Device] values, and a device that fails is replaced by the next. It never uses a network and never
// trusts a number that the worker could have chosen.
package verify
