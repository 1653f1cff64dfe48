package proofs

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// PayloadType is the DSSE payload type of a contribution proof. It carries
// kind and version: another layout is another type.
const PayloadType = "application/vnd.verifyd.contribution.v1+abi"

// BodySize is the length of a contribution proof's body in bytes: twenty words
// of thirty-two.
const BodySize = 20 * wordSize

// A Hash is 32 bytes: a digest, or an identifier that is one.
type Hash [32]byte

// String is h in hex with a leading 0x.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// parseHash reads what Hash.String writes, and no other spelling of it.
func parseHash(s string) (Hash, error) {
	var h Hash
	raw, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err == nil && len(raw) == len(h) {
		h = Hash(raw)
	}
	if h.String() != s {
		return Hash{}, fmt.Errorf("%.80q is not 0x and 64 lower-case hex digits", s)
	}
	return h, nil
}

// ParseAccount reads a ledger account: 0x and up to 32 bytes in hex, which are
// padded with zeros on the left, as an EVM address is.
func ParseAccount(s string) (Hash, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	raw, err := hex.DecodeString(digits)
	var h Hash
	if !ok || err != nil || len(raw) == 0 || len(raw) > len(h) {
		return Hash{}, fmt.Errorf("%.80q is not 0x and 1 to 32 bytes in hex", s)
	}
	copy(h[len(h)-len(raw):], raw)
	return h, nil
}

// MarshalText makes h its String in JSON.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// A Contribution is what a contribution proof states. There is no float in it:
// values are integers with a fixed scale.
type Contribution struct {
	// Audience is the SHA-256 of the CAIP-10 or URN name of the one ledger that
	// may act on this proof. It must not be zero.
	Audience Hash `json:"audience"`
	// PoolID names the pool.
	PoolID Hash `json:"poolId"`
	// Epoch counts the pool's accounting periods and never decreases.
	Epoch uint64 `json:"epoch,string"`
	// TaskID names the work: the digest of the job.
	TaskID Hash `json:"taskId"`
	// WorkerID is the SHA-256 of the worker's public key in SPKI DER.
	WorkerID Hash `json:"workerId"`
	// Account is the ledger account, an EVM address left-padded with zeros.
	Account Hash `json:"account"`
	// Units is what this contribution earns, in the policy's scale.
	Units Uint128 `json:"units"`
	// CumulativeUnits is the account's total with Units in it. It never
	// decreases, which is what makes replaying a proof worthless.
	CumulativeUnits Uint128 `json:"cumulativeUnits"`
	// Shapley is the contribution's Shapley value in units of 1e-9.
	Shapley Int128 `json:"shapley"`
	// StdErr is the standard error of Shapley in units of 1e-9.
	StdErr Uint128 `json:"stdErr"`
	// Verdict says how the check ended, and why.
	Verdict Verdict `json:"verdict"`
	// StepsClaimed, StepsReplayed and StepsFailed count training steps: those
	// in the claim, those of them run again, those of these that differed.
	StepsClaimed  uint64 `json:"stepsClaimed,string"`
	StepsReplayed uint64 `json:"stepsReplayed,string"`
	StepsFailed   uint64 `json:"stepsFailed,string"`
	// PolicyHash is the digest of the scoring policy.
	PolicyHash Hash `json:"policyHash"`
	// EvidenceRoot is the RFC 6962 root over the evidence that lets a third
	// party repeat the verdict.
	EvidenceRoot Hash `json:"evidenceRoot"`
	// EngineHash is the digest of the verifier's build, kernels and numeric
	// profile.
	EngineHash Hash `json:"engineHash"`
	// SampleSeed is the beacon's output that chose what to replay.
	SampleSeed Hash `json:"sampleSeed"`
	// IssuedAt is the time of signing in seconds of the Unix epoch.
	IssuedAt uint64 `json:"issuedAt,string"`
}

// Nullifier names the one contribution of this worker to this task in this
// epoch of this pool. It is derived, never chosen, so that a database or a
// contract that has seen it can refuse a second one.
func (c Contribution) Nullifier() Hash {
	msg := append([]byte("verifyd/nullifier/v1"), c.PoolID[:]...)
	msg = append(msg, c.WorkerID[:]...)
	msg = binary.BigEndian.AppendUint64(msg, c.Epoch)
	return sha256.Sum256(append(msg, c.TaskID[:]...))
}

// MarshalJSON is the human view of a contribution: integers as decimal
// strings, hashes as hex, the nullifier included. It is never what is signed.
func (c Contribution) MarshalJSON() ([]byte, error) {
	type plain Contribution
	return json.Marshal(struct {
		plain
		Nullifier Hash `json:"nullifier"`
	}{plain(c), c.Nullifier()})
}

// check refuses what no honest signer states. The rules are SPEC.md's
// "Validity".
func (c Contribution) check() error {
	switch {
	case c.Audience == Hash{}:
		return fieldError("audience", "must not be zero: it names the ledger that may act on the proof")
	case c.Units.Cmp(c.CumulativeUnits) > 0:
		return fieldError("cumulativeUnits", "%s is less than units %s, which it includes", c.CumulativeUnits, c.Units)
	case !c.Verdict.known():
		return fieldError("verdict", "kind %d is not one of 1 to 4", uint16(c.Verdict.Kind))
	case c.Verdict.Kind > Partial && c.Units != Uint128{}:
		return fieldError("units", "must be zero with verdict %s", c.Verdict)
	case c.StepsReplayed > c.StepsClaimed:
		return fieldError("stepsReplayed", "%d is more than stepsClaimed %d", c.StepsReplayed, c.StepsClaimed)
	case c.StepsFailed > c.StepsReplayed:
		return fieldError("stepsFailed", "%d is more than stepsReplayed %d", c.StepsFailed, c.StepsReplayed)
	case c.Verdict.Kind == Accepted && c.StepsFailed > 0:
		return fieldError("stepsFailed", "must be zero with verdict accepted")
	}
	return nil
}

func fieldError(field, format string, args ...any) error {
	return fmt.Errorf("contribution proof: field %s: %w", field, fmt.Errorf(format, args...))
}
