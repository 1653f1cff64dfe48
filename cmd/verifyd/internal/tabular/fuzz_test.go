package tabular

import (
	"bytes"
	"math"
	"testing"
)

// check holds what every table that is read promises.
func check(t *testing.T, got Table, want Want, err error) {
	if err != nil {
		return
	}
	n := len(got.Labels) + len(got.Targets)
	if got.Rows < 1 || got.Cols < 1 || want == Features && len(got.F) != got.Rows*got.Cols || want != Features && n != got.Rows {
		t.Fatalf("%d x %d with %d features, %d labels and targets", got.Rows, got.Cols, len(got.F), n)
	}
	for _, x := range got.F {
		if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
			t.Fatalf("%v was read", x)
		}
	}
}

func FuzzNPY(f *testing.F) {
	f.Add(npyOf("<f4", "(1, 2)", []float32{1, 2}))
	f.Add(npyOf("<i8", "(2,)", []int64{1, 2}))
	f.Add(npyOf("|O", "(2,)", []int64{1, 2}))
	f.Fuzz(func(t *testing.T, file []byte) {
		for _, want := range []Want{Features, Labels, Targets} {
			got, err := readNPY(bytes.NewReader(file), "a.npy", want, int64(len(file)), Options{Limit: 1 << 16})
			check(t, got, want, err)
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,y\n1,2\n3,4\n"), "y")
	f.Add([]byte("1,2\r\n\"3\",4e-7\r\n"), "-1")
	f.Fuzz(func(t *testing.T, file []byte, column string) {
		for _, want := range []Want{Features, Labels, Targets} {
			got, err := readCSV(bytes.NewReader(file), "a.csv", only(want), Options{Limit: 1 << 16, Column: column})
			check(t, got, want, err)
		}
		got, err := readCSV(bytes.NewReader(file), "a.csv", tableOf(Labels), Options{Limit: 1 << 16, Column: column})
		check(t, got, Features, err)
		check(t, got, Labels, err)
	})
}

func FuzzTensors(f *testing.F) {
	f.Add([]byte("\x3d\x00\x00\x00\x00\x00\x00\x00{\"x\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}}   \x00\x00\x80\x3f"), "x")
	f.Fuzz(func(t *testing.T, file []byte, column string) {
		for _, want := range []Want{Features, Labels, Targets} {
			got, err := readTensors(bytes.NewReader(file), "a.safetensors", only(want), int64(len(file)), Options{Limit: 1 << 16, Column: column})
			check(t, got, want, err)
		}
		got, err := readTensors(bytes.NewReader(file), "a.safetensors", tableOf(Labels), int64(len(file)), Options{Limit: 1 << 16, Column: column})
		check(t, got, Features, err)
		check(t, got, Labels, err)
	})
}
