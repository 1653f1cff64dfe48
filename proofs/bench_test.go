package proofs_test

import (
	"crypto"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

// signers is one key an algorithm.
func signers(b *testing.B) map[string]crypto.Signer {
	b.Helper()
	p256, err := scenario.ES256("bench")
	if err != nil {
		b.Fatal(err)
	}
	return map[string]crypto.Signer{"es256": p256, "es256k": scenario.ES256K("bench"), "ed25519": scenario.Ed25519("bench")}
}

// rate reports how many a second one core does.
func rate(b *testing.B, what string) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), what+"/s")
}

// BenchmarkSign encodes a contribution, signs it on one core and, as always,
// verifies the signature before it leaves.
func BenchmarkSign(b *testing.B) {
	for name, signer := range signers(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := proofs.Sign(proofs.Sample(), signer); err != nil {
					b.Fatal(err)
				}
			}
			rate(b, "signed")
		})
	}
}

// BenchmarkVerify reads an envelope file and verifies it on one core.
func BenchmarkVerify(b *testing.B) {
	for name, signer := range signers(b) {
		b.Run(name, func(b *testing.B) {
			env, err := proofs.Sign(proofs.Sample(), signer)
			if err != nil {
				b.Fatal(err)
			}
			key, err := proofs.NewKey(signer.Public())
			if err != nil {
				b.Fatal(err)
			}
			file := env.Bytes()
			b.ReportAllocs()
			for b.Loop() {
				env, err := proofs.ParseEnvelope(file)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := proofs.Verify[proofs.Contribution](env, 1, key); err != nil {
					b.Fatal(err)
				}
			}
			rate(b, "verified")
		})
	}
}

// BenchmarkParse is the cost of a body alone.
func BenchmarkParse(b *testing.B) {
	body, err := proofs.Encode(proofs.Sample())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := proofs.Parse(contributionType, body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkBundle reads a bundle file with everything in it (an epoch root of
// three signatures and two log proofs) and verifies it, and reports how long
// the files are.
func BenchmarkBundle(b *testing.B) {
	pool, err := scenario.New()
	if err != nil {
		b.Fatal(err)
	}
	ledger, err := pool.Ledger()
	if err != nil {
		b.Fatal(err)
	}
	full, err := pool.Bundle(0)
	if err != nil {
		b.Fatal(err)
	}
	file := full.Bytes()
	for b.Loop() {
		read, err := bundle.Parse(file)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := read.Verify(ledger); err != nil {
			b.Fatal(err)
		}
	}
	rate(b, "verified")
	bare := *full
	bare.Log, bare.Attachments = nil, nil
	for range 20 - len(bare.Merkle) { // a pool of a million accounts
		bare.Merkle = append(bare.Merkle, proofs.Hash{})
	}
	b.ReportMetric(float64(len(full.Contribution.Bytes())), "contribution-bytes")
	b.ReportMetric(float64(len(full.EpochRoot.Bytes())), "root-of-3-bytes")
	b.ReportMetric(float64(len(file)), "bundle-bytes")
	b.ReportMetric(float64(len(bare.Bytes())), "bundle-2^20-no-log-bytes")
}
