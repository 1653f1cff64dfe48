package score

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify/document"
)

// MaxFile bounds each of the files below in bytes.
const MaxFile = 256 << 20

// The versions of the files.
const (
	RosterVersion = "verifyd-roster/1"
	EarnedVersion = "verifyd-earned/1"
)

// Roster says which account is paid for a worker, and who owns it.
type Roster struct {
	Version string   `json:"version"`
	Workers []Listed `json:"workers"` // in the order of worker
}

// Listed is a worker on the roster.
type Listed struct {
	Account policy.Hash `json:"account"` // zero for the worker's key id
	Owner   policy.Hash `json:"owner"`   // not zero
	Worker  policy.Hash `json:"worker"`
}

// Earned is what each account has earned so far, in all epochs.
type Earned struct {
	Accounts []Total `json:"accounts"` // in the order of account
	Version  string  `json:"version"`
}

// Total is one account's.
type Total struct {
	Account policy.Hash `json:"account"`
	Units   policy.Uint `json:"units"`
}

// ParseRoster reads a roster. Errors begin with file.
func ParseRoster(file string, data []byte) (*Roster, error) {
	r, err := parse[Roster](file, data)
	if err != nil {
		return nil, err
	}
	if r.Version != RosterVersion {
		return nil, fmt.Errorf("%s: version: %.60q, %q is needed", file, r.Version, RosterVersion)
	}
	for i, w := range r.Workers {
		if w.Owner.Hash == (proofs.Hash{}) {
			return nil, fmt.Errorf("%s: workers[%d].owner: zero", file, i)
		}
		if i > 0 && bytes.Compare(r.Workers[i-1].Worker.Hash[:], w.Worker.Hash[:]) >= 0 {
			return nil, fmt.Errorf("%s: workers[%d]: not in the order of worker, or twice the same", file, i)
		}
	}
	return r, nil
}

// ParseEarned reads a file of totals. Errors begin with file.
func ParseEarned(file string, data []byte) (*Earned, error) {
	e, err := parse[Earned](file, data)
	if err != nil {
		return nil, err
	}
	if e.Version != EarnedVersion {
		return nil, fmt.Errorf("%s: version: %.60q, %q is needed", file, e.Version, EarnedVersion)
	}
	for i := 1; i < len(e.Accounts); i++ {
		if bytes.Compare(e.Accounts[i-1].Account.Hash[:], e.Accounts[i].Account.Hash[:]) >= 0 {
			return nil, fmt.Errorf("%s: accounts[%d]: not in the order of account, or twice the same", file, i)
		}
	}
	return e, nil
}

// parse reads the JSON of a T, with whatever white space. But for that it must
// be what encoding a T gives, fields in the order of their names: unknown,
// repeated and missing fields and other spellings of a value are refused.
func parse[T any](file string, data []byte) (*T, error) {
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%s: %d bytes, the limit is %d", file, len(data), MaxFile)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		return nil, fmt.Errorf("%s: not JSON: %w", file, err)
	}
	var doc T
	if err := json.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	want, err := document.Encode(&doc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if got := compact.Bytes(); !bytes.Equal(got, want) {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		return nil, fmt.Errorf("%s: fields are missing, unknown, twice or out of order: without white space it goes on %.60q where %.60q is needed", file, got[at:], want[at:])
	}
	return &doc, nil
}
