// Package translog checks, without a network, that an entry is in a
// transparency log and that the log only ever grew.
//
// The log is one of C2SP's tiled logs: a Merkle tree of RFC 6962 over its
// entries, whose head the log signs as a checkpoint (c2sp.org/tlog-checkpoint)
// and witnesses may cosign (c2sp.org/tlog-cosignature). What travels with a
// proof is a c2sp.org/tlog-proof@v1 text: [Verify] needs it, the log's key and
// the entry, and nothing else. Where witnesses are demanded as well, a
// c2sp.org/tlog-policy file says which: see [ParsePolicy].
//
// All parsers are strict: one meaning has one spelling, sizes are bounded, and
// an error names the field. Two things that C2SP allows are refused, because
// nothing signs them: the extra line of a proof, and extension lines in a
// checkpoint.
//
// The package needs the standard library and golang.org/x/mod. It writes no
// log, asks no server, and never decides what an entry means.
package translog
