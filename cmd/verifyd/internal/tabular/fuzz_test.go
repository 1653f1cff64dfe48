package tabular

import (
	"archive/zip"
	"bytes"
	"math"
	"testing"
)

// fuzzLimit is the limit of fuzzed files, which none may exceed.
const fuzzLimit = 1 << 16

// fuzzed reads a file in every way there is and holds what every table that is read promises.
func fuzzed(t *testing.T, file []byte, format, column string) {
	for _, o := range []Options{
		{}, {Pick: []string{column}}, {Pick: []string{column}, Header: Yes, Index: Drop}, {Drop: []string{column}, Header: No},
		{DecimalComma: true, Index: Keep}, {one: true},
	} {
		o.Limit = fuzzLimit
		got, err := decode(bytes.NewReader(file), int64(len(file)), format, o, 3)
		if err != nil {
			continue
		}
		if got.Rows < 1 || len(got.F) != got.Rows*got.Cols || o.one == (got.Cols > 0) || 4*len(got.F) > fuzzLimit {
			t.Fatalf("%d x %d with %d features", got.Rows, got.Cols, len(got.F))
		}
		if got.Names != nil && len(got.Names) != got.Cols || len(got.Types) != got.Cols {
			t.Fatalf("%d names and %d types of %d columns", len(got.Names), len(got.Types), got.Cols)
		}
		for _, x := range got.F {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				t.Fatalf("%v was read", x)
			}
		}
		for _, c := range got.Picked {
			if c.Rows() != got.Rows {
				t.Fatalf("%d rows of a column, %d of the table", c.Rows(), got.Rows)
			}
			_, _, _, _ = Classes(c, c) // may be refused, and never panics
			_, _ = c.Targets()
		}
	}
}

func FuzzNPY(f *testing.F) {
	f.Add(npyOf("<f4", "(1, 2)", []float32{1, 2}))
	f.Add(npyOf(">i8", "(2,)", []int64{1, 2}))
	f.Add(npyOf("<U2", "(2,)", []uint32{'a', 0, 'b', 'c'}))
	f.Add(npyOf("|O", "(2,)", []int64{1, 2}))
	f.Fuzz(func(t *testing.T, file []byte) { fuzzed(t, file, ".npy", "1") })
}

func FuzzNPZ(f *testing.F) {
	f.Add(npz(zip.Store, "x.npy", npyOf("<f4", "(1, 2)", []float32{1, 2}), "y.npy", npyOf("<i2", "(1,)", []int16{3})), "y")
	f.Add(npz(zip.Deflate, "x.npy", npyOf("<f4", "(1, 2)", []float32{1, 2})), "y")
	f.Fuzz(func(t *testing.T, file []byte, column string) { fuzzed(t, file, ".npz", column) })
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("a,y\n1,2\n3,4\n"), "y")
	f.Add([]byte("1,2\r\n\"3\",4e-7\r\n"), "-1")
	f.Add([]byte(",a;y\n0,true;x\n"), "y")
	f.Fuzz(func(t *testing.T, file []byte, column string) { fuzzed(t, file, ".csv", column) })
}

func FuzzTensors(f *testing.F) {
	f.Add([]byte("\x3d\x00\x00\x00\x00\x00\x00\x00{\"x\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}}   \x00\x00\x80\x3f"), "x")
	f.Add([]byte("\x3a\x00\x00\x00\x00\x00\x00\x00{\"x\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]}} \x80\x3f"), "x")
	f.Fuzz(func(t *testing.T, file []byte, column string) { fuzzed(t, file, ".safetensors", column) })
}

func FuzzParquet(f *testing.F) {
	for name, data := range columnarFiles() {
		if format(name) == ".parquet" {
			f.Add(data, "y")
		}
	}
	f.Fuzz(func(t *testing.T, file []byte, column string) { fuzzed(t, file, ".parquet", column) })
}

func FuzzArrow(f *testing.F) {
	for name, data := range columnarFiles() {
		if format(name) != ".parquet" {
			f.Add(data, "y")
		}
	}
	f.Fuzz(func(t *testing.T, file []byte, column string) { fuzzed(t, file, ".arrow", column) })
}
