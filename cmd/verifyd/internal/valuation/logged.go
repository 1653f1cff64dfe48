package valuation

import (
	"errors"
	"fmt"
	"iter"

	"github.com/verifyd/verifyd/proofs/translog"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

// ErrSecondList says that an operator froze a claim twice: whoever may pick among lists picks the randomness.
var ErrSecondList = errors.New("a second list names a claim of this one")

// Alone refuses the list of a digest if another one that the operator signed, among the entries of a log, names one of
// its claims. Whatever else is in the log is passed over. The list itself must be there.
func (c *Claims) Alone(digest merkle.Hash, operator document.Key, entries iter.Seq2[[]byte, error]) error {
	mine := make(map[merkle.Hash]bool, len(c.Claims))
	for _, l := range c.Claims {
		mine[l.Claim] = true
	}
	found, index := false, 0
	for entry, err := range entries {
		if err != nil {
			return err
		}
		other, logged, err := document.Read[Claims]("", entry, ClaimsKind, operator)
		switch {
		case err != nil: // no list, or not the operator's
		case logged == digest:
			found = true
		default:
			for _, l := range other.Claims {
				if mine[l.Claim] {
					return fmt.Errorf("log entry %d: list %v: %w: %v", index, logged, ErrSecondList, l.Claim)
				}
			}
		}
		index++
	}
	if !found {
		return fmt.Errorf("list %v: %w", digest, translog.ErrNotLogged)
	}
	return nil
}
