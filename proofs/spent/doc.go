// Package spent keeps which work has been paid for: which one body stands for
// a nullifier. Another body for it is refused, in whatever epoch, until the
// first one is revoked. The same body passes as often as it comes: several
// verifiers sign it, and whoever was interrupted does it again.
//
// It keeps a book in memory, and asks nobody who signed what: whoever revokes
// has checked that a quorum did.
package spent
