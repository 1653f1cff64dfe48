package data

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// random is a file of so many random bytes, which no cache of zeros makes faster.
func random(b *testing.B, bytes int) string {
	data := make([]byte, bytes)
	c := rand.NewChaCha8([32]byte{1})
	_, _ = c.Read(data)
	return put(b, b.TempDir(), "train.bin", data)
}

// BenchmarkCommit hashes a file in the page cache: bytes of a file a second, on one processor.
func BenchmarkCommit(b *testing.B) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	path := random(b, 64<<20)
	for name, context_ := range map[string]uint64{"context-128": 128, "context-1024": 1024, "context-8192": 8192} {
		b.Run(name, func(b *testing.B) {
			f, err := Open([]string{path}, Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: context_, Stride: context_}})
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			b.SetBytes(64 << 20)
			for b.Loop() {
				if err := f.Commit(context.Background(), nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFetch is what a step of 64 samples of 1,024 tokens costs before it can run: to read them, to hash them and to compare
// the hashes with the index, to give them to the program. Training does all but the last while the step before runs.
func BenchmarkFetch(b *testing.B) {
	const rows = 64
	path := random(b, 256<<20)
	o := Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 1024, Stride: 1024}}
	f, err := Open([]string{path}, o)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	index := filepath.Join(filepath.Dir(path), "i.index")
	if err := f.WriteIndex(context.Background(), index, nil); err != nil {
		b.Fatal(err)
	}
	if err := f.TakeIndex(index); err != nil {
		b.Fatal(err)
	}
	d, err := f.Dataset()
	if err != nil {
		b.Fatal(err)
	}
	layout := d.Layout()
	j := job.Job{Data: d.Data()}
	order, ids := j.OrderFor(job.Assignment{}), make([]int64, rows)
	batch, hasher, leaves := layout.Batch(rows), layout.Hasher(), make([]merkle.Hash, rows)
	to := []kernels.Buf{{I: make([]int32, rows*1024)}, {I: make([]int32, rows*1024)}}
	next := func(b *testing.B, step uint64) {
		if err := order.Fill(step, ids); err != nil {
			b.Fatal(err)
		}
	}
	fetch := func(b *testing.B) {
		if err := d.Read(batch, ids); err != nil {
			b.Fatal(err)
		}
		for i := range leaves {
			leaves[i] = hasher.Leaf(batch, i)
		}
		if err := d.Check(leaves, ids); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("ahead", func(b *testing.B) {
		for step := uint64(0); b.Loop(); step++ {
			next(b, step)
			fetch(b)
		}
	})
	b.Run("unpack", func(b *testing.B) {
		for b.Loop() {
			if err := layout.Unpacker().Unpack(to, batch); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkOpen takes an index up: what a training costs before it begins, for each sample.
func BenchmarkOpen(b *testing.B) {
	const samples = 1 << 20
	dir := b.TempDir()
	path := filepath.Join(dir, "train.bin")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		b.Fatal(err)
	}
	if err := os.Truncate(path, 2*(samples*8+1)); err != nil {
		b.Fatal(err)
	}
	f, err := Open([]string{path}, Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 8, Stride: 8}})
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	index := filepath.Join(dir, "i.index")
	if err := f.WriteIndex(context.Background(), index, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := f.TakeIndex(index); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/samples, "ns/sample")
}
