package little

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

func TestAppendWritesLittleEndian(t *testing.T) {
	floats := []float32{1.5, float32(math.Copysign(0, -1)), float32(math.Inf(1)), 3e-42}
	var want []byte
	for _, f := range floats {
		want = binary.LittleEndian.AppendUint32(want, math.Float32bits(f))
	}
	if got := Append(nil, floats); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
	want = binary.LittleEndian.AppendUint64(nil, 0x0102030405060708)
	if got := Append([]byte{}, []int64{0x0102030405060708}); !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestSwapReadsWhatAppendWrites(t *testing.T) {
	words := []int32{1, -2, math.MaxInt32}
	got := make([]int32, len(words))
	copy(View(got), Append(nil, words))
	Swap(got)
	for i := range words {
		if got[i] != words[i] {
			t.Fatalf("%v, want %v", got, words)
		}
	}
	long := []int64{-5, 1 << 40}
	back := make([]int64, len(long))
	copy(View(back), Append(nil, long))
	Swap(back)
	if back[0] != long[0] || back[1] != long[1] {
		t.Fatalf("%v, want %v", back, long)
	}
}
