// Package witness says whether a proof (c2sp.org/tlog-proof) shows an entry in a transparency log, and whether
// enough witnesses saw it there before a time.
//
// Only a witness's cosignature (c2sp.org/tlog-cosignature) carries time. A log's own signature says that an entry is
// there, and nothing of when; a log without witnesses dates nothing.
//
// It is the little that a verdict rests on. Whoever writes logs, reads policies or asks for consistency has package
// proofs/translog, on which a verdict does not depend: verify and proofs import nothing of each other, and proofs
// nothing of ours. TestBothCheckersOfLogProofsAgree of the pool holds both to one answer. The package
// asks no server, has no clock, and never decides what an entry means.
package witness
