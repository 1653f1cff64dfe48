package kernels

import "testing"

func TestNegativeSizesAreRefusedByName(t *testing.T) {
	c, err := NewCPU(Options{ISA: Generic, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for op, want := range map[Operator]string{
		Softmax{Rows: -2, Cols: -3}: "softmax: Rows is negative: -2",
		Conv2D{ConvShape{N: 1, H: 1, W: 1, O: 1, PadW: -1, Profile: ProfileF32}}:     "conv2d: PadW is negative: -1",
		AttentionGrad{Batch: 1, Heads: -1, Seq: -1, HeadDim: 4, Profile: ProfileF32}: "attention_grad: Heads is negative: -1",
	} {
		for name, err := range map[string]error{"Run": c.Run(op, nil), "Check": Check(op, nil)} {
			if err == nil || err.Error() != want {
				t.Errorf("%s: %v, want %s", name, err, want)
			}
		}
	}
}

func TestSenselessWindowsAreNone(t *testing.T) {
	for _, n := range []int{windows(0, 0, 0, 0), windows(3, 2, 0, 0), windows(3, 9, 1, 0), windows(3, 0, 1, 0)} {
		if n != 0 {
			t.Errorf("%d windows", n)
		}
	}
	s := ConvShape{N: 1, C: 1, H: 3, W: 3, O: 1, KH: 1, KW: 1} // no stride
	if s.OutH() != 0 || s.OutW() != 0 {
		t.Errorf("%d x %d outputs", s.OutH(), s.OutW())
	}
}
