package trace

import (
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// ClaimVersion is the only version of claims that this version of verifyd knows.
const ClaimVersion = "verifyd-claim/1"

// ClaimKind is the kind of a signed claim.
const ClaimKind = document.Kind("claim")

// Claim is a worker's signed commitment to a trace.
type Claim struct {
	Version string       `json:"version"`
	Job     merkle.Hash  `json:"job"` // digest of the job
	Worker  document.Key `json:"worker"`
	Slot    uint32       `json:"slot"`
	Steps   uint64       `json:"steps"`
	Root    merkle.Hash  `json:"root"`  // over the step leaves
	Final   merkle.Hash  `json:"final"` // root of the state after the last step
}

// ReadClaim reads the envelope of a claim, which must be signed by the worker that it names, and
// returns it with its digest. Errors begin with file.
func ReadClaim(file string, data []byte) (Claim, merkle.Hash, error) {
	unsigned, err := document.Peek[Claim](file, data, ClaimKind)
	if err != nil {
		return Claim{}, merkle.Hash{}, err
	}
	claim, digest, err := document.Read[Claim](file, data, ClaimKind, unsigned.Worker)
	if err != nil {
		return Claim{}, merkle.Hash{}, err
	}
	if claim.Version != ClaimVersion {
		return Claim{}, merkle.Hash{}, fault.New(fault.UnknownVersion, file, "version", "%.60q, %q is needed", claim.Version, ClaimVersion)
	}
	return claim, digest, nil
}
