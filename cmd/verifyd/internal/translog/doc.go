// Package translog keeps verifyd's transparency log: an append-only Merkle
// tree of everything that was signed, in tiles on a local disk
// (c2sp.org/tlog-tiles), whose head is signed as a checkpoint and, if a policy
// asks for it, cosigned by witnesses before it is published.
//
// A [Log] writes. [Log.Append] returns when an entry is in the tree for good:
// what is handed out after that is never missing from the log, wherever the
// process is killed. Two stores make it so. The journal, written and synced
// first, holds what the tree may lack; the tree, kept by Tessera, holds the
// rest. Opening a log appends what the journal has and the tree has not, so an
// entry is in the log once however often the process died. Entries are told
// apart by their leaf hash: appending the same bytes again gives the first
// index.
//
// A [Reader] reads: proofs, and entries, each of which is hashed into the tree
// that a checkpoint signs before it is handed out. It reads a [Folder], which also
// serves the tiles over HTTP ([Folder.Handler]), or a server's tiles ([Remote]).
// [Check] reads everything of a folder and compares.
//
// The folder of a log:
//
//	log.pub    the log's key (c2sp.org/signed-note), which names it
//	lock       held by the one process that writes
//	journal/   what was recorded and is not yet under a published checkpoint
//	tiles/     what is served: checkpoint, tile/; and .state/, Tessera's own
//
// The package keeps in memory about 100 bytes an entry while a log is open for
// writing, and a tile of entries for reading. It never rewrites, prunes or interprets an
// entry, and never signs two trees of one size: if the disk contradicts the
// last checkpoint, it refuses to open.
package translog
