package proofs

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/verifyd/verifyd/proofs/es256k"
)

func id(s string) Hash { return sha256.Sum256([]byte(s)) }

// sample is a contribution with a different value in every field and the
// awkward ones (negative, beyond 64 bits) where they may be.
func sample() Contribution {
	return Contribution{
		Audience: id("urn:db:test"), PoolID: id("pool"), Epoch: 7, TaskID: id("task"), WorkerID: id("worker"), Slot: 3,
		Account: Hash{31: 0xaa, 12: 0x01}, Units: Uint128{1, 5}, CumulativeUnits: Uint128{1 << 63, 9},
		Shapley: Int(-123_456_789), StdErr: Uint(42), Verdict: Verdict{Partial, Mismatch},
		StepsClaimed: 1000, StepsReplayed: 40, StepsFailed: 2,
		PolicyHash: id("policy"), EvidenceRoot: id("evidence"), EngineHash: id("engine"), SampleSeed: id("seed"), Beacon: id("beacon"),
		IssuedAt: 1_795_000_000,
	}
}

func sampleRoot() EpochRoot {
	return EpochRoot{
		Audience: id("urn:db:test"), PoolID: id("pool"), Epoch: 7, Root: id("root"), PolicyHash: id("policy"),
		CumulativeUnits: Uint128{1 << 63, 10}, SignerSet: 3, NotAfter: 1_796_000_000,
		CheckpointHash: id("checkpoint"), DataHash: id("data"),
	}
}

func sampleRevocation() Revocation {
	return Revocation{
		Audience: id("urn:db:test"), PoolID: id("pool"), Epoch: 7, Target: id("target"), TargetKind: 2,
		Reason: uint32(Mismatch), SignerSet: 3, IssuedAt: 1_795_000_000,
	}
}

// sampleSet is a set of three keys, one an algorithm, of which two must sign,
// and its signers in the order of Keys.
func sampleSet(t testing.TB) (SignerSet, []crypto.Signer) {
	t.Helper()
	k1, err := secp256k1.GeneratePrivateKey()
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signers := []crypto.Signer{newKey(t), es256k.NewSigner(k1), edwards}
	set := SignerSet{
		Audience: id("urn:db:test"), PoolID: id("pool"), Set: 3, Previous: id("set 2"),
		IssuedAt: 1_795_000_000, Threshold: 2,
	}
	for _, s := range signers {
		set.Keys = append(set.Keys, publicKey(t, s)) // in the order of their algorithms' numbers
	}
	return set, signers
}

// samples is one statement of each kind.
func samples(t testing.TB) []Statement {
	set, _ := sampleSet(t)
	return []Statement{sample(), sampleRoot(), sampleRevocation(), set, Document{"application/vnd.in-toto+json", []byte(`{"a":1}`)}}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicKey(t testing.TB, signer crypto.Signer) Key {
	t.Helper()
	key, err := NewKey(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// classOf is the failure class of err, empty if there is none.
func classOf(err error) string {
	var fault *Error
	if errors.As(err, &fault) {
		return fault.Class
	}
	return ""
}
