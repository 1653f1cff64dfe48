package valuation

import (
	"bytes"
	"cmp"
	"crypto"
	"errors"
	"fmt"
	"slices"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/registry"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// ClaimsVersion names the format of a list of claims.
const ClaimsVersion = "verifyd-claims/1"

// ClaimsKind is the kind of a signed list.
const ClaimsKind = document.Kind("claims")

// The limits of a list.
const (
	MaxClaims  = 1 << 11
	minDelay   = 6       // seconds: two periods of quicknet
	maxDelay   = 1 << 31 // seconds
	lastSecond = 1 << 40 // of Unix time
)

// Claims is the frozen list of what is valued together, and how: all that could be chosen, signed by the operator before
// the beacon's round is published that the random choices follow from. Whoever alters it afterwards alters its digest.
//
// Frozen is the operator's word. What bears it out is a log with witnesses that has the list before the round.
type Claims struct {
	Version    string       `json:"version"`
	Pool       merkle.Hash  `json:"pool"` // this and the next as in every claim's job
	Audience   merkle.Hash  `json:"audience"`
	Policy     merkle.Hash  `json:"policy"`     // digest of the scoring policy
	Program    merkle.Hash  `json:"program"`    // digest of the model that all of the claims train
	Base       merkle.Hash  `json:"base"`       // root of the state that all of them begin with
	Validation merkle.Hash  `json:"validation"` // root of the validation rows, the policy's
	Way        Way          `json:"way"`        // to the values of the round's loss, with fixed weights
	Beacon     beacon.Chain `json:"beacon"`     // the jobs'
	Delay      uint32       `json:"delay"`      // seconds from Frozen to the beacon's round: the longest of the jobs, two periods at least
	Frozen     int64        `json:"frozen"`     // Unix time in seconds
	Claims     []Listed     `json:"claims"`     // in the order of worker, job and slot: the players
}

// Listed is a claim on the list.
type Listed struct {
	Claim  merkle.Hash `json:"claim"`  // digest
	Job    merkle.Hash `json:"job"`    // digest
	Worker merkle.Hash `json:"worker"` // key id
	Owner  merkle.Hash `json:"owner"`  // of the worker, as the operator's roster has it; the worker's key id if it has none
	Slot   uint32      `json:"slot"`
	Data   *job.Set    `json:"data,omitempty"` // the worker's own, as it was assigned with; none where they are the job's
	Final  merkle.Hash `json:"final"`          // root of the state that was trained
	// Rows is the weight of the update: the rows of the job's data that the steps read, in units of 1/robust.RowUnits, where claims on the same
	// data share its rows, see robust.Once.
	Rows uint64 `json:"rows"`
}

// compare orders claims by worker, job and slot.
func (l *Listed) compare(other *Listed) int {
	return cmp.Or(bytes.Compare(l.Worker[:], other.Worker[:]), bytes.Compare(l.Job[:], other.Job[:]), cmp.Compare(l.Slot, other.Slot))
}

// Round is the beacon's round that the list fixes: the first one at or after the time of its freezing plus the delay.
func (c *Claims) Round() uint64 { return c.Beacon.RoundAt(c.Frozen + int64(c.Delay)) }

// Players are the names of the claims as a game has them: their digests.
func (c *Claims) Players() []string {
	names := make([]string, len(c.Claims))
	for i := range c.Claims {
		names[i] = c.Claims[i].Claim.String()
	}
	return names
}

// Owners are the owners of the claims, as robust.Prepare takes them.
func (c *Claims) Owners() []string {
	owners := make([]string, len(c.Claims))
	for i := range c.Claims {
		owners[i] = c.Claims[i].Owner.String()
	}
	return owners
}

// Randomness is that of a beacon, if it is the list's.
func (c *Claims) Randomness(b beacon.Beacon) (merkle.Hash, error) {
	randomness, err := c.Beacon.Randomness(b, c.Round())
	if err != nil {
		return merkle.Hash{}, fmt.Errorf("beacon: %w", err)
	}
	return randomness, nil
}

// Check returns an error that names the field unless the list is one that can be valued.
func (c *Claims) Check() error {
	if c.Version != ClaimsVersion {
		return fmt.Errorf("version: %.60q, %q is needed", c.Version, ClaimsVersion)
	}
	for _, f := range []struct {
		field string
		got   merkle.Hash
	}{{"pool", c.Pool}, {"audience", c.Audience}, {"policy", c.Policy}, {"program", c.Program}, {"base", c.Base}, {"validation", c.Validation}} {
		if f.got == (merkle.Hash{}) {
			return fmt.Errorf("%s: zero", f.field)
		}
	}
	if _, err := shapley.Named(c.Way.Estimator); err != nil {
		return fmt.Errorf("way: %w", err)
	}
	if err := c.Beacon.Check(); err != nil {
		return fmt.Errorf("beacon: %w", err)
	}
	switch n := len(c.Claims); {
	case c.Delay < minDelay || c.Delay > maxDelay:
		return fmt.Errorf("delay: %d is outside %d to %d", c.Delay, minDelay, maxDelay)
	case c.Frozen < 0 || c.Frozen > lastSecond:
		return fmt.Errorf("frozen: %d is outside 0 to %d", c.Frozen, int64(lastSecond))
	case n < 1 || n > MaxClaims:
		return fmt.Errorf("claims: %d are outside 1 to %d", n, MaxClaims)
	}
	seen := make(map[merkle.Hash]bool, len(c.Claims))
	for i := range c.Claims {
		l := &c.Claims[i]
		switch {
		case i > 0 && c.Claims[i-1].compare(l) >= 0:
			return fmt.Errorf("claims[%d]: not in the order of worker, job and slot, or twice the same", i)
		case seen[l.Claim]:
			return fmt.Errorf("claims[%d].claim: %v twice", i, l.Claim)
		case l.Rows == 0:
			return fmt.Errorf("claims[%d].rows: zero", i)
		case l.Owner == (merkle.Hash{}):
			return fmt.Errorf("claims[%d].owner: zero", i)
		}
		seen[l.Claim] = true
	}
	return nil
}

// Sign sorts the claims, checks the list and returns its envelope. The signer must hold the operator's key.
func (c *Claims) Sign(operator crypto.Signer) ([]byte, error) {
	slices.SortFunc(c.Claims, func(a, b Listed) int { return a.compare(&b) })
	if err := c.Check(); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return document.Sign(ClaimsKind, *c, operator)
}

// Freeze has a registry remember that the claims are on this list. Where it knew them to be, the list gets the time of
// then; on another list they are refused.
func (c *Claims) Freeze(r *registry.Registry) (frozen int64, err error) {
	slices.SortFunc(c.Claims, func(a, b Listed) int { return a.compare(&b) })
	claims := make([]registry.Claim, len(c.Claims))
	for i, l := range c.Claims {
		claims[i] = registry.Claim{Slot: registry.Slot{Job: l.Job, Worker: l.Worker, Slot: l.Slot}, Digest: l.Claim}
	}
	frozen, err = r.Freeze(claims, c.Frozen, func(at int64) (merkle.Hash, error) {
		c.Frozen = at
		if err := c.Check(); err != nil {
			return merkle.Hash{}, fmt.Errorf("claims: %w", err)
		}
		return document.Digest(ClaimsKind, *c)
	})
	return frozen, err
}

// PeekClaims reads a list without asking who signed it.
func PeekClaims(signed []byte) (*Claims, error) {
	c, err := document.Peek[Claims]("", signed, ClaimsKind)
	if err != nil {
		return nil, err
	}
	return &c, c.Check()
}

// ReadClaims reads a list that operator signed, and gives its digest. Errors begin with file.
func ReadClaims(file string, signed []byte, operator document.Key) (*Claims, merkle.Hash, error) {
	c, digest, err := document.Read[Claims](file, signed, ClaimsKind, operator)
	if err != nil {
		return nil, digest, err
	}
	if err := c.Check(); err != nil {
		return nil, digest, fmt.Errorf("%s: %w", file, err)
	}
	return &c, digest, nil
}

// Claimed ties a run to a frozen list: nothing in the run is left to whoever makes it.
type Claimed struct {
	Digest merkle.Hash   `json:"digest"` // of the list, which the operator signed
	List   Claims        `json:"list"`
	Beacon beacon.Beacon `json:"beacon"` // of the round that follows from the list
}

// Run is what the list has valued, given its game's root. It fails unless the beacon is that of the list's round.
func (c *Claimed) Run(root merkle.Hash) (Run, error) {
	randomness, err := c.List.Randomness(c.Beacon)
	if err != nil {
		return Run{}, err
	}
	return Run{
		Version: GameVersion, Kind: RoundKind, Root: root, Source: c.Beacon.Chain, Randomness: randomness,
		Way: c.List.Way, Players: c.List.Players(), Claimed: c,
	}, nil
}

// checkSource refuses a run that says of its randomness what is not so.
func (r *Run) checkSource() error {
	switch {
	case r.Claimed == nil && r.Source != Research:
		return fmt.Errorf("source: %.40q, %q is needed without a list of claims", r.Source, Research)
	case r.Claimed == nil:
		return nil
	}
	if err := r.Claimed.List.Check(); err != nil {
		return fmt.Errorf("claimed.list.%w", err)
	}
	digest, err := document.Digest(ClaimsKind, r.Claimed.List)
	if err != nil {
		return err
	}
	want, err := r.Claimed.Run(r.Root)
	switch {
	case digest != r.Claimed.Digest:
		return fmt.Errorf("claimed.digest: %v, the list has %v", r.Claimed.Digest, digest)
	case err != nil:
		return fmt.Errorf("claimed.%w", err)
	case r.Kind != RoundKind:
		return fmt.Errorf("kind: %.40q, a list of claims is valued as a %s", r.Kind, RoundKind)
	case r.Source != want.Source || r.Randomness != want.Randomness:
		return errors.New("randomness: it is not that of the round that follows from the list of claims")
	case r.Way != want.Way:
		return errors.New("estimator: it or a parameter of it is not the list's")
	case !slices.Equal(r.Players, want.Players):
		return errors.New("players: they are not the claims of the list")
	}
	return nil
}
