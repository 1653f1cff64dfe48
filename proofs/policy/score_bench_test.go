package policy

import (
	"encoding/binary"
	"testing"

	"github.com/verifyd/verifyd/proofs"
)

// BenchmarkScore scores an epoch of 2^16 claims by as many workers, under both
// caps. It reports claims a second.
func BenchmarkScore(b *testing.B) {
	p := priced()
	claims := make([]Measurement, 1<<16)
	for i := range claims {
		c := &claims[i]
		binary.LittleEndian.PutUint32(c.Worker[:], uint32(i)*2654435761)
		c.Owner, c.Task, c.Verdict = id(1+byte(i%7)), id(2), proofs.Verdict{Kind: proofs.Accepted}
		c.Work, c.Value, c.StdErr, c.Quality = proofs.Uint(uint64(i)*1e9), proofs.Int(int64(i)), proofs.Uint(5), One/2
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Score(p, claims); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(claims))*float64(b.N)/b.Elapsed().Seconds(), "claims/s")
}
