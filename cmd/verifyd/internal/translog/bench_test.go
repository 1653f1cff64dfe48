package translog_test

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// proofSize is about the size of a signed contribution proof in bytes.
const proofSize = 1200

// BenchmarkAppend is the rate at which proofs reach the log for good, recorded
// and in the tree, and how long one waits: for one that comes alone, for a
// crowd of single ones, and for batches of 1,000.
func BenchmarkAppend(b *testing.B) {
	for _, load := range []struct {
		name    string
		callers int
		batch   int
	}{{"alone", 1, 1}, {"crowd=8192", 8192, 1}, {"batches=16x1000", 16, 1000}} {
		b.Run(load.name, func(b *testing.B) {
			dir := newLog(b)
			l := open(b, dir)
			noise := make([]byte, proofSize)
			_, _ = rand.Read(noise)
			var next atomic.Int64
			waits := make([][]time.Duration, load.callers)
			b.ResetTimer()
			var wait sync.WaitGroup
			for c := range load.callers {
				wait.Go(func() {
					batch := make([][]byte, load.batch)
					for {
						last := next.Add(int64(load.batch))
						if last-int64(load.batch) >= int64(b.N) {
							return
						}
						for i := range batch {
							batch[i] = binary.BigEndian.AppendUint64(slices.Clone(noise[8:]), uint64(last-int64(i)))
						}
						start := time.Now()
						if _, err := l.Append(b.Context(), batch...); err != nil {
							b.Error(err)
							return
						}
						waits[c] = append(waits[c], time.Since(start))
					}
				})
			}
			wait.Wait()
			b.StopTimer()
			all := slices.Concat(waits...)
			slices.Sort(all)
			done := float64(len(all) * load.batch)
			b.ReportMetric(done/b.Elapsed().Seconds(), "proofs/s")
			b.ReportMetric(float64(all[len(all)/2].Microseconds())/1e3, "median-ms")
			b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1e3, "p99-ms")
			closeLog(b, l)
		})
	}
}
