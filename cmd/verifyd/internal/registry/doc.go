// Package registry remembers what an operator gives once and never again, in a folder that outlives crashes: one
// registration and one assignment for a job, worker and slot; one receipt for its claim, and one that follows each which came too
// late; one receipt for the opening that answers a receipt; one list on which the claim is valued. A second one would draw the order of
// the data or the challenge anew, until they suit.
//
// Whoever asks again for the same gets the same bytes, so that work which a crash interrupted is done again from its
// beginning. Whoever asks for anything else under the same name is refused with [Given]. What a method returned
// is on the disk for good.
//
// A file is written under another name, synced, given its own name by a hard link, which fails if the name is taken,
// and the folder is synced. So the file system decides between any number of processes, on one machine or on several
// that share it; there is no lock that a dead process could leave behind. Names are digests that are computed here:
// nothing that a stranger chose is ever part of a path.
//
// The folder:
//
//	registry       says what this is
//	registrations/ HEX, when a worker asked for a job's slot
//	assignments/   HEX, one for a job, worker and slot
//	receipts/      HEX, what became of an assignment: a receipt, one that follows a late one, or that it ended without a claim
//	openings/      HEX, one for a receipt
//	judged/        HEX, what verdicts said of a worker's claims in a pool, in the order in which they were recorded
//	lists/         HEX, one for a claim that is valued: on which frozen list
//	new/           files on their way; what a crash left there was given to nobody
//
// The package signs nothing, reads no clock and appends nothing to a log. It never removes or rewrites what it keeps,
// and it never makes a folder but in [Init]: a registry that is not where it is looked for has forgotten everything.
package registry
