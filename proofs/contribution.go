package proofs

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/verifyd/verifyd/proofs/internal/class"
)

const (
	contributionWords = 22
	workerWord        = 4
)

// A Contribution is what a contribution proof states. There is no float in it:
// values are integers with a fixed scale.
type Contribution struct {
	// Audience names the one ledger that may act on this proof; see
	// [Audience]. It must not be zero.
	Audience Hash
	// PoolID names the pool.
	PoolID Hash
	// Epoch counts the pool's accounting periods and never decreases.
	Epoch uint64
	// TaskID names the work: the digest of the job.
	TaskID Hash
	// WorkerID is the SHA-256 of the worker's public key in SPKI DER.
	WorkerID Hash
	// Slot is which of the task's slots the worker filled: the slots of one
	// worker in one task are contributions of their own.
	Slot uint32
	// Account is the ledger account, an EVM address left-padded with zeros.
	Account Hash
	// Units is what this contribution earns, in the policy's scale.
	Units Uint128
	// CumulativeUnits is the account's total with Units in it. It never
	// decreases, which is what makes replaying a proof worthless.
	CumulativeUnits Uint128
	// Shapley is the contribution's Shapley value in units of 1e-9.
	Shapley Int128
	// StdErr is the standard error of Shapley in units of 1e-9.
	StdErr Uint128
	// Verdict says how the check ended, and why.
	Verdict Verdict
	// StepsClaimed, StepsReplayed and StepsFailed count training steps: those
	// in the claim, those of them run again, those of these that differed.
	StepsClaimed  uint64
	StepsReplayed uint64
	StepsFailed   uint64
	// PolicyHash is the digest of the scoring policy.
	PolicyHash Hash
	// EvidenceRoot is the RFC 6962 root over the evidence that lets a third
	// party repeat the verdict.
	EvidenceRoot Hash
	// EngineHash is the digest of the verifier's build, kernels and numeric
	// profile.
	EngineHash Hash
	// SampleSeed is the beacon's output that chose what to replay.
	SampleSeed Hash
	// Beacon names the chain that SampleSeed comes from: drand's hash of it.
	// Zero is a fixed value, which whoever made it knew beforehand.
	Beacon Hash
	// IssuedAt is the time of signing in seconds of the Unix epoch.
	IssuedAt uint64
}

// Nullifier names the one contribution of this worker to this slot of this
// task of this pool, in whatever epoch it is paid. It is derived, never chosen,
// so that a database or a contract that has seen it can refuse another one.
func (c Contribution) Nullifier() Hash {
	msg := append([]byte("verifyd/nullifier/v1"), c.PoolID[:]...)
	msg = append(msg, c.WorkerID[:]...)
	msg = append(msg, c.TaskID[:]...)
	return sha256.Sum256(binary.BigEndian.AppendUint32(msg, c.Slot))
}

func (c Contribution) payloadType() string { return contributionType }

func (c Contribution) encode() []byte {
	w := make(writer, 0, contributionWords*wordSize)
	c.layout(&w)
	return w
}

func (c *Contribution) layout(f fields) {
	f.hash("audience", &c.Audience)
	f.hash("poolId", &c.PoolID)
	f.uint64("epoch", &c.Epoch)
	f.hash("taskId", &c.TaskID)
	f.hash("workerId", &c.WorkerID)
	f.uint32("slot", &c.Slot)
	f.hash("account", &c.Account)
	f.uint128("units", &c.Units)
	f.uint128("cumulativeUnits", &c.CumulativeUnits)
	f.int128("shapley", &c.Shapley)
	f.uint128("stdErr", &c.StdErr)
	f.verdict("verdict", &c.Verdict)
	f.uint64("stepsClaimed", &c.StepsClaimed)
	f.uint64("stepsReplayed", &c.StepsReplayed)
	f.uint64("stepsFailed", &c.StepsFailed)
	f.hash("policyHash", &c.PolicyHash)
	f.hash("evidenceRoot", &c.EvidenceRoot)
	f.hash("engineHash", &c.EngineHash)
	f.hash("sampleSeed", &c.SampleSeed)
	f.hash("beacon", &c.Beacon)
	f.derived("nullifier", c.Nullifier()) // of words 1, 3, 4 and 5, which are read by now
	f.uint64("issuedAt", &c.IssuedAt)
}

// check holds the rules of SPEC.md's "Contribution".
func (c Contribution) check() error {
	switch {
	case c.Audience == Hash{}:
		return refuse(class.OutOfRange, "audience", "must not be zero: it names the ledger that may act on the proof")
	case c.Units.Cmp(c.CumulativeUnits) > 0:
		return refuse(class.OutOfRange, "cumulativeUnits", "%s is less than units %s, which it includes", c.CumulativeUnits, c.Units)
	case !c.Verdict.known():
		return refuse(class.OutOfRange, "verdict", "kind %d is not one of 1 to 4", uint16(c.Verdict.Kind))
	case c.Verdict.Kind > Partial && c.Units != Uint128{}:
		return refuse(class.OutOfRange, "units", "must be zero with verdict %s", c.Verdict)
	case c.StepsReplayed > c.StepsClaimed:
		return refuse(class.OutOfRange, "stepsReplayed", "%d is more than stepsClaimed %d", c.StepsReplayed, c.StepsClaimed)
	case c.StepsFailed > c.StepsReplayed:
		return refuse(class.OutOfRange, "stepsFailed", "%d is more than stepsReplayed %d", c.StepsFailed, c.StepsReplayed)
	case c.Verdict.Kind == Accepted && c.StepsFailed > 0:
		return refuse(class.OutOfRange, "stepsFailed", "must be zero with verdict accepted")
	}
	return nil
}
