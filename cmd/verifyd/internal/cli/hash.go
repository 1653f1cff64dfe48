package cli

import (
	"fmt"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
)

// hashFlag reads 0x and 64 lower-case hex digits.
func hashFlag(name, text string) (h policy.Hash, err error) {
	if h.Hash, err = proofs.ParseAccount(text); err != nil || h.Hash.String() != text {
		return h, usageError{fmt.Errorf("--%s %.80q: want 0x and 64 lower-case hex digits", name, text)}
	}
	return h, nil
}
