package beacon

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// The chains.
const (
	Quicknet = "drand-quicknet"
	Fixed    = "fixed"
)

// Chain is the job's choice of a source of randomness.
type Chain struct {
	Name       string       `json:"name"`
	Commitment *merkle.Hash `json:"commitment,omitempty"` // SHA-256 of the value of a fixed chain
}

// Beacon is one published value.
type Beacon struct {
	Chain string `json:"chain"`
	Round uint64 `json:"round"`
	Value string `json:"value"` // hexadecimal: the signature of a drand round, or the 32 bytes of a fixed value
}

// NewFixed returns a chain with one value, and the beacon that reveals it.
func NewFixed(value [32]byte) (Chain, Beacon) {
	commitment := merkle.Hash(sha256.Sum256(value[:]))
	return Chain{Name: Fixed, Commitment: &commitment}, Beacon{Chain: Fixed, Round: 1, Value: hex.EncodeToString(value[:])}
}

// Check returns an error unless the chain is one of this package's.
func (c Chain) Check() error {
	switch {
	case c.Name == Quicknet && c.Commitment == nil:
		return nil
	case c.Name == Quicknet:
		return fault.New(fault.BadTerms, "", "", "chain %q takes no commitment", c.Name)
	case c.Name == Fixed && c.Commitment == nil:
		return fault.New(fault.BadTerms, "", "", "chain %q needs a commitment", c.Name)
	case c.Name == Fixed:
		return nil
	}
	return fault.New(fault.Unsupported, "", "", "chain %.40q is not %q or %q", c.Name, Quicknet, Fixed)
}

// Hash names the chain in what is signed about a claim: drand's hash of it, and zero for a fixed value, which whoever
// made it knew.
func (c Chain) Hash() merkle.Hash {
	if c.Name == Quicknet {
		return quicknetHash()
	}
	return merkle.Hash{}
}

// RoundAt returns the first round that is published at or after a Unix time in seconds.
func (c Chain) RoundAt(unix int64) uint64 {
	if c.Name == Fixed {
		return 1
	}
	return quicknetRound(unix)
}

// Period is the time between two rounds in seconds: 0 for a fixed chain, which has one.
func (c Chain) Period() int64 {
	if c.Name == Fixed {
		return 0
	}
	return quicknetPeriod
}

// Published is when the first round at or after a Unix time is, by the chain's own clock: at that time, where a
// chain has no clock.
func (c Chain) Published(unix int64) int64 {
	if c.Name == Fixed {
		return unix
	}
	return quicknetTime(quicknetRound(unix))
}

// Randomness returns the 32 random bytes of b, or an error unless b is the value of that round.
func (c Chain) Randomness(b Beacon, round uint64) (merkle.Hash, error) {
	if b.Chain != c.Name {
		return merkle.Hash{}, fault.New(fault.WrongRound, "", "chain", "%.40q, the job names %q", b.Chain, c.Name)
	}
	if b.Round != round {
		return merkle.Hash{}, fault.New(fault.WrongRound, "", "round", "%d, %d is due", b.Round, round)
	}
	value, err := hex.DecodeString(b.Value)
	if err != nil || hex.EncodeToString(value) != b.Value {
		return merkle.Hash{}, fault.New(fault.BadForm, "", "value", "not lower-case hexadecimal")
	}
	if c.Name == Quicknet {
		return quicknetRandomness(value, round)
	}
	if len(value) != 32 {
		return merkle.Hash{}, fault.New(fault.BadLength, "", "value", "%d bytes, 32 are needed", len(value))
	}
	if c.Commitment == nil || sha256.Sum256(value) != *c.Commitment {
		return merkle.Hash{}, fault.New(fault.BadBeacon, "", "value", "not the one that the job commits to")
	}
	return merkle.Hash(value), nil
}
