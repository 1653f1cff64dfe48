package kernels

import "testing"

func TestPhiloxGivesTheKnownAnswersOfRandom123(t *testing.T) {
	const ones = 0xffffffff
	for _, c := range []struct {
		ctr  [4]uint32
		key  [2]uint32
		want [4]uint32
	}{
		{want: [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{ones, ones, ones, ones}, [2]uint32{ones, ones},
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, [2]uint32{0xa4093822, 0x299f31d0},
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		if got := Philox4x32(c.ctr, c.key); got != c.want {
			t.Errorf("Philox4x32(%08x, %08x) = %08x, want %08x", c.ctr, c.key, got, c.want)
		}
	}
}

func TestDropoutReadsOneWordAnElement(t *testing.T) {
	const n, op = 40003, 7 // several pieces, and a last group of three
	seed := []int32{-5, 77, 123456, 0}
	ones := make([]float32, n)
	for i := range ones {
		ones[i] = 1
	}
	y := zeros(n)
	run(t, Dropout{N: n, Threshold: 1 << 30, Scale: 4.0 / 3, OpID: op}, floats(ones...), ints(seed...), y)
	kept := 0
	for i, got := range y.F {
		r := Philox4x32([4]uint32{uint32(i / 4), 0, op, 123456}, [2]uint32{0xfffffffb, 77})
		want := float32(0)
		if r[i%4] >= 1<<30 {
			want = 4.0 / 3
			kept++
		}
		if got != want {
			t.Fatalf("element %d: %v, want %v", i, got, want)
		}
	}
	if kept < n*74/100 || kept > n*76/100 {
		t.Errorf("kept %d of %d, want about three quarters", kept, n)
	}
}

func TestUniformStaysInItsInterval(t *testing.T) {
	y := zeros(20001)
	run(t, Uniform{N: len(y.F), Lo: -0.5, Hi: 1.5, OpID: 1}, ints(1, 2, 3, 0), y)
	var sum float64
	for i, v := range y.F {
		if v < -0.5 || v >= 1.5 {
			t.Fatalf("element %d is %v", i, v)
		}
		sum += float64(v)
	}
	if mean := sum / float64(len(y.F)); mean < 0.48 || mean > 0.52 {
		t.Errorf("mean %v, want 0.5", mean)
	}
}
