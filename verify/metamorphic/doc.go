// Package metamorphic judges one claim in many ways and expects one finding, in the manner of pebble's metamorphic
// tests.
//
// A number draws a claim: a small program out of all kinds of nodes, a job, and work that is honest, forged or
// falsely answered, perhaps with files that were damaged on their way. What must be found follows from the claim
// alone: from an honest trace beside a forged one ([Claim.Truth]).
//
// Another number draws a configuration ([Configuration]): on what devices the claim is judged and which of them
// fail when, from which source and how far ahead it is read, and in what manner: whole, or segment by segment in any
// order and side by side, with results that are stored and read again, or by a process that ends or is called off
// and another that goes on. Nothing of it may show in the bytes of the finding, in the evidence root, in the
// verifier's imprints or in the error.
//
// A history is one claim under one configuration. It depends on its number and on the devices on offer alone.
package metamorphic
