package beacon

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"fmt"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// The parameters of drand's quicknet, scheme bls-unchained-g1-rfc9380, as
// published at https://api.drand.sh.
const (
	quicknetGenesis = 1692803367 // Unix time of round 1
	quicknetPeriod  = 3          // seconds
	quicknetKey     = "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451" +
		"0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
	quicknetDomain = "BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
)

// quicknetHash is the hash of the chain, by which drand and whatever is signed
// about a claim name it.
func quicknetHash() merkle.Hash {
	return merkle.Hash{
		0x52, 0xdb, 0x9b, 0xa7, 0x0e, 0x0c, 0xc0, 0xf6, 0xea, 0xf7, 0x80, 0x3d, 0xd0, 0x74, 0x47, 0xa1,
		0xf5, 0x47, 0x77, 0x35, 0xfd, 0x3f, 0x66, 0x17, 0x92, 0xba, 0x94, 0x60, 0x0c, 0x84, 0xe9, 0x71,
	}
}

// quicknetRound is the first round at or after a Unix time. Round r is published at
// genesis + (r-1)*period.
func quicknetRound(unix int64) uint64 {
	if unix <= quicknetGenesis {
		return 1
	}
	return uint64(unix-quicknetGenesis+quicknetPeriod-1)/quicknetPeriod + 1
}

// quicknetTime is when a round is published.
func quicknetTime(round uint64) int64 { return quicknetGenesis + int64(round-1)*quicknetPeriod }

// quicknetRandomness checks the signature of a round and returns its SHA-256.
func quicknetRandomness(signature []byte, round uint64) (merkle.Hash, error) {
	if len(signature) != bls.SizeOfG1AffineCompressed {
		return merkle.Hash{}, fault.New(fault.BadLength, "", "value", "%d bytes, a quicknet signature has %d", len(signature), bls.SizeOfG1AffineCompressed)
	}
	var sig bls.G1Affine
	if n, err := sig.SetBytes(signature); err != nil || n != len(signature) {
		return merkle.Hash{}, fault.New(fault.BadForm, "", "value", "not a point of BLS12-381's G1 in compressed form")
	}
	if sig.IsInfinity() {
		return merkle.Hash{}, fault.New(fault.BadBeacon, "", "value", "the point at infinity")
	}
	pinned, err := hex.DecodeString(quicknetKey)
	if err != nil {
		return merkle.Hash{}, err
	}
	var key bls.G2Affine
	if _, err := key.SetBytes(pinned); err != nil {
		return merkle.Hash{}, fmt.Errorf("pinned key: %w", err)
	}
	message := sha256.Sum256(binary.BigEndian.AppendUint64(nil, round))
	point, err := bls.HashToG1(message[:], []byte(quicknetDomain))
	if err != nil {
		return merkle.Hash{}, err
	}
	// e(sig, g2) = e(H(m), key), written as e(-sig, g2) * e(H(m), key) = 1.
	_, _, _, g2 := bls.Generators()
	var negated bls.G1Affine
	negated.Neg(&sig)
	ok, err := bls.PairingCheck([]bls.G1Affine{negated, point}, []bls.G2Affine{g2, key})
	if err != nil {
		return merkle.Hash{}, err
	}
	if !ok {
		return merkle.Hash{}, fault.New(fault.BadBeacon, "", "value", "not quicknet's signature of round %d", round)
	}
	return sha256.Sum256(signature), nil
}
