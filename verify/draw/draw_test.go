package draw

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/verify/merkle"
)

func TestWordsAreTheHashesOfSeedAndCounter(t *testing.T) {
	seed := merkle.Hash{1, 2, 3}
	s := New(seed)
	for counter := range uint64(3) {
		var message [40]byte
		copy(message[:], seed[:])
		binary.BigEndian.PutUint64(message[32:], counter)
		sum := sha256.Sum256(message[:])
		for i := range 4 {
			if got, want := s.Word(), binary.BigEndian.Uint64(sum[8*i:]); got != want {
				t.Fatalf("word %d: %x, want %x", 4*counter+uint64(i), got, want)
			}
		}
	}
}

func TestEverySampleOfThreeOfSixIsDrawnAsOftenAsAnyOther(t *testing.T) {
	const rounds = 20_000
	counts := map[[3]uint64]int{}
	for i := range uint64(rounds) {
		var seed merkle.Hash
		binary.LittleEndian.PutUint64(seed[:], i)
		list := New(seed).Sample(6, 3)
		if !slices.IsSorted(list) || len(list) != 3 {
			t.Fatalf("seed %d: %d", i, list)
		}
		counts[[3]uint64(list)]++
	}
	if len(counts) != 20 {
		t.Fatalf("%d different samples, there are 20", len(counts))
	}
	chi := 0.0
	for _, n := range counts {
		d := float64(n) - rounds/20
		chi += d * d / (rounds / 20)
	}
	if chi > 43.8 { // 0.1 % of chi-squared with 19 degrees
		t.Errorf("chi-squared %.1f", chi)
	}
}

func TestASampleOfAllIsAllAndOneOfNoneIsEmpty(t *testing.T) {
	if got := New(merkle.Hash{}).Sample(4, 4); !slices.Equal(got, []uint64{0, 1, 2, 3}) {
		t.Errorf("%d", got)
	}
	if got := New(merkle.Hash{}).Sample(4, 0); len(got) != 0 {
		t.Errorf("%d", got)
	}
}
