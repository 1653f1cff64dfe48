package data

import (
	"math/rand/v2"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// BenchmarkRead reads 64 samples of 1,025 tokens at random places: by a call each, as this package does, from a mapping, and by
// calls when nothing of the file is in the page cache.
func BenchmarkRead(b *testing.B) {
	const size, row, rows = 256 << 20, 2050, 64
	path := random(b, size)
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		b.Fatal(err)
	}
	to := make([]byte, row)
	calls := func(b *testing.B, r *rand.Rand) {
		for range rows {
			if _, err := f.ReadAt(to, r.Int64N(size-row)); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("calls", func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			calls(b, r)
		}
	})
	b.Run("mapped", func(b *testing.B) {
		m, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_SHARED)
		if err != nil {
			b.Fatal(err)
		}
		defer unix.Munmap(m)
		r := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			for range rows {
				at := r.IntN(size - row)
				copy(to, m[at:at+row])
			}
		}
	})
	b.Run("cold", func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			b.StopTimer()
			if err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			calls(b, r)
		}
	})
}
