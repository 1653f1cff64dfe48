package tabular

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/safetensors"
)

// npy is an NPY file of version 1.0 with a header padded as NumPy pads it.
func npy(header string, data any) []byte {
	text := header + strings.Repeat(" ", (64-(10+len(header)+1)%64)%64) + "\n"
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(text)), byte(len(text)>>8))
	b = append(b, text...)
	b, err := binary.Append(b, binary.LittleEndian, data)
	if err != nil {
		panic(err)
	}
	return b
}

func npyOf(descr, shape string, data any) []byte {
	return npy("{'descr': '"+descr+"', 'fortran_order': False, 'shape': "+shape+", }", data)
}

// put writes a file in a folder of the test.
func put(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEveryElementTypeOfNPYIsReadExactly(t *testing.T) {
	for _, c := range []struct {
		descr string
		data  any
		want  []float32
	}{
		{"<f4", []float32{1.5, -0.1}, []float32{1.5, -0.1}},
		{"<f8", []float64{0.1, 1 + 1.0/(1<<24) + 1.0/(1<<50)}, []float32{0.1, 1 + 1.0/(1<<23)}},
		{"|i1", []int8{-128, 127}, []float32{-128, 127}},
		{"<i2", []int16{-32768, 32767}, []float32{-32768, 32767}},
		{"<i4", []int32{-1 << 31, 16777217}, []float32{-1 << 31, 16777216}},
		{"<i8", []int64{-1 << 63, 1 << 40}, []float32{-1 << 63, 1 << 40}},
		{"|u1", []uint8{0, 255}, []float32{0, 255}},
		{"<u2", []uint16{0, 65535}, []float32{0, 65535}},
		{"|b1", []uint8{0, 1}, []float32{0, 1}},
	} {
		m, err := ReadMatrix(put(t, "a.npy", npyOf(c.descr, "(1, 2)", c.data)), Options{})
		if err != nil || m.Rows != 1 || m.Cols != 2 || !slices.Equal(m.F, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.descr, m, err, c.want)
		}
	}
}

func TestVersions2And3OfNPYAreRead(t *testing.T) {
	for _, version := range []byte{2, 3} {
		text := `{"shape":(2,),"descr":"<i4","fortran_order":False}` + "\n"
		b := append([]byte("\x93NUMPY"), version, 0, byte(len(text)), 0, 0, 0)
		b = append(append(b, text...), 1, 0, 0, 0, 2, 0, 0, 0)
		labels, err := ReadLabels(put(t, "a.npy", b), Options{})
		if err != nil || !slices.Equal(labels, []int32{1, 2}) {
			t.Errorf("version %d: %v, %v", version, labels, err)
		}
	}
}

func TestANPYFileThatIsNotStrictIsRefused(t *testing.T) {
	two := []float32{1, 2}
	huge := npyOf("<f4", "(1, 2)", two)
	binary.LittleEndian.PutUint16(huge[8:], 60000)
	version := npyOf("<f4", "(1, 2)", two)
	version[6] = 4
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"objects", "never loaded", npyOf("|O", "(1, 2)", two)},
		{"records", "array of records", npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 2), }", two)},
		{"big-endian", "big-endian", npyOf(">f4", "(1, 2)", two)},
		{"text", "descr", npyOf("<U4", "(1, 2)", two)},
		{"Fortran order", "C order", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }", two)},
		{"three dimensions", "more than 2 dimensions", npyOf("<f4", "(1, 1, 2)", two)},
		{"a scalar", "no dimension", npyOf("<f4", "()", two)},
		{"no tuple", "not a tuple", npyOf("<f4", "(2)", two)},
		{"a long", "is needed", npyOf("<f4", "(2L,)", two)},
		{"a leading zero", "plain decimal", npyOf("<f4", "(02,)", two)},
		{"negative", "plain decimal", npyOf("<f4", "(-2,)", two)},
		{"no rows", "rows: 0 is outside", npyOf("<f4", "(0, 2)", []float32{})},
		{"many rows", "rows: 999999999999", npyOf("<f4", "(999999999999, 2)", two)},
		{"many columns", "columns: 1048577", npyOf("<f4", "(1, 1048577)", two)},
		{"more than the limit", "the limit is 1000", npyOf("<f4", "(20, 20)", two)},
		{"too short", "take", npyOf("<f4", "(1, 3)", two)},
		{"too long", "take", npyOf("<f4", "(1, 1)", two)},
		{"no key", "are needed", npy("{'descr': '<f4', 'shape': (1, 2), }", two)},
		{"a key twice", "given twice", npy("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", two)},
		{"another key", "unknown key", npy("{'descr': '<f4', 'x': False, 'shape': (1, 2), }", two)},
		{"Python", "is needed", npy("{'descr': str(1), 'fortran_order': False, 'shape': (1, 2), }", two)},
		{"something after it", "follow", npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), } # 1", two)},
		{"a long header", "the limit is 10000", huge},
		{"another version", "version", version},
		{"no magic", "not an NPY", []byte("PK\x03\x04 something else")},
		{"nothing", "truncated", nil},
		{"NaN", "element [0, 1]: NaN", npyOf("<f4", "(1, 2)", []float32{1, float32(math.NaN())})},
		{"infinity", "element [1]: +Inf", npyOf("<f8", "(2,)", []float64{1, math.Inf(1)})},
		{"beyond float32", "beyond the range", npyOf("<f8", "(2,)", []float64{1, 1e39})},
		{"no boolean", "no boolean", npyOf("|b1", "(2,)", []byte{1, 2})},
	} {
		path := put(t, "a.npy", c.file)
		_, err := ReadMatrix(path, Options{Limit: 1000})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestLabelsAreWholeAndTargetsFixedPoint(t *testing.T) {
	labels, err := ReadLabels(put(t, "y.npy", npyOf("<f8", "(3, 1)", []float64{0, -3, 9})), Options{})
	if err != nil || !slices.Equal(labels, []int32{0, -3, 9}) {
		t.Error(labels, err)
	}
	targets, err := ReadTargets(put(t, "y.npy", npyOf("<f8", "(4,)", []float64{0.123456789, -2.5e-9, 3.5e-9, 9e6})), Options{})
	if err != nil || !slices.Equal(targets, []int64{123456789, -2, 4, 9e15}) {
		t.Error(targets, err)
	}
	targets, err = ReadTargets(put(t, "y.csv", []byte("t\n-7\n0.5\n1e-9\n")), Options{})
	if err != nil || !slices.Equal(targets, []int64{-7e9, 5e8, 1}) {
		t.Error(targets, err)
	}
	for _, bad := range []any{[]float64{0.5}, []float64{1 << 31}, []float64{math.NaN()}, []int64{-1<<31 - 1}} {
		descr := "<f8"
		if _, ok := bad.([]int64); ok {
			descr = "<i8"
		}
		if got, err := ReadLabels(put(t, "y.npy", npyOf(descr, "(1,)", bad)), Options{}); err == nil {
			t.Errorf("%v are labels %v", bad, got)
		}
	}
	for _, bad := range [][]float64{{9.1e6}, {math.Inf(-1)}, {math.NaN()}} {
		if got, err := ReadTargets(put(t, "y.npy", npyOf("<f8", "(1,)", bad)), Options{}); err == nil {
			t.Errorf("%v are targets %v", bad, got)
		}
	}
	if _, err := ReadLabels(put(t, "y.npy", npyOf("<i4", "(1, 2)", []int32{1, 2})), Options{}); err == nil {
		t.Error("two columns are labels")
	}
}

func TestACSVIsReadWithAndWithoutNames(t *testing.T) {
	for _, c := range []struct {
		name, text, column string
		header             Header
	}{
		{"names found", "a,y,b\n1,7,2\n3,8,-4e0\n", "y", Auto},
		{"a byte order mark, CRLF, spaces and quotes", "\uFEFFa, y ,b\r\n1, 7 ,2\r\n\"3\",8,-4\r\n", "y", Yes},
		{"no names", "1,7,2\n3,8,-4\n", "2", No},
		{"numbers for names", "1,2,3\n1,7,2\n3,8,-4\n", "2", Yes},
		{"counted backwards", "1,7,2\n3,8,-4", "-2", Auto},
	} {
		got, err := ReadTable(put(t, "a.csv", []byte(c.text)), Labels, Options{Column: c.column, Header: c.header})
		if err != nil || got.Rows != 2 || got.Cols != 2 || !slices.Equal(got.F, []float32{1, 2, 3, -4}) || !slices.Equal(got.Labels, []int32{7, 8}) {
			t.Errorf("%s: %+v, %v", c.name, got, err)
		}
	}
}

func TestACSVThatIsNotStrictIsRefused(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"ragged", "a,b\n1,2\n3\n", "line 3: 1 fields, line 1 has 2"},
		{"NaN", "1,2\nNaN,2\n", "line 2: column 1: NaN is not finite"},
		{"NaN at first", "nan,2\n1,2\n", "line 1: column 1: NaN is not finite"},
		{"infinity", "1,2\n3,-Inf\n", "line 2: column 2: -Inf is not finite"},
		{"out of range", "1\n1e39\n", "line 2: column 1: 1e+39 is beyond the range"},
		{"far out of range", "1\n1e999\n", "line 2: column 1"},
		{"a gap", "1,2\n3,\n", "line 2: column 2: empty"},
		{"text", "1,2\n3,four\n", `line 2: column 2: "four" is not a number`},
		{"hexadecimal", "1,2\n3,0x1p4\n", "not a number"},
		{"underscores", "1,2\n3,1_000\n", "not a number"},
		{"an open quote", "1,2\n\"3,4\n", "line"},
		{"names only", "a,b\n", "no row"},
		{"nothing", "", "no row"},
		{"more than the limit", strings.Repeat("1,2\n", 200), "the limit is 400"},
	} {
		path := put(t, "a.csv", []byte(c.text))
		_, err := ReadMatrix(path, Options{Limit: 400})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, column := range []string{"z", "0", "4", "-4", "a"} {
		if _, err := ReadTable(put(t, "a.csv", []byte("a,b,a\n1,2,3\n")), Labels, Options{Column: column}); err == nil {
			t.Errorf("column %q was found", column)
		}
	}
}

// tensorFile is a safetensors file.
func tensorFile(t *testing.T, tensors ...safetensors.Tensor) string {
	t.Helper()
	var b bytes.Buffer
	if err := safetensors.Write(&b, nil, tensors); err != nil {
		t.Fatal(err)
	}
	return put(t, "a.safetensors", b.Bytes())
}

func TestATensorFileHoldsFeaturesAndLabels(t *testing.T) {
	x := safetensors.Tensor{Name: "x", Shape: []int{2, 1, 2}, F32: []float32{1, 2, 3, 4}}
	y := safetensors.Tensor{Name: "y", Shape: []int{2}, I32: []int32{5, 6}}
	for _, tensors := range [][]safetensors.Tensor{{x, y}, {y, x}} {
		got, err := ReadTable(tensorFile(t, tensors...), Labels, Options{Column: "y"})
		if err != nil || got.Rows != 2 || got.Cols != 2 || !slices.Equal(got.F, x.F32) || !slices.Equal(got.Labels, y.I32) {
			t.Errorf("%+v, %v", got, err)
		}
	}
	m, err := ReadMatrix(tensorFile(t, y, x), Options{Column: "x"})
	if err != nil || m.Rows != 2 || m.Cols != 2 || !slices.Equal(m.F, x.F32) {
		t.Errorf("%+v, %v", m, err)
	}
	targets, err := ReadTargets(tensorFile(t, safetensors.Tensor{Name: "t", Shape: []int{1}, I64: []int64{2}}), Options{})
	if err != nil || !slices.Equal(targets, []int64{2e9}) {
		t.Error(targets, err)
	}
	short := safetensors.Tensor{Name: "y", Shape: []int{1}, I32: []int32{5}}
	bad := safetensors.Tensor{Name: "x", Shape: []int{1}, F32: []float32{float32(math.Inf(1))}}
	for _, c := range []struct {
		path string
		o    Options
		want string
	}{
		{tensorFile(t, x, short), Options{Column: "y"}, "2 rows"},
		{tensorFile(t, x), Options{Column: "y"}, `tensor "y" is missing`},
		{tensorFile(t, x, y), Options{Column: "x"}, "want one column"},
		{tensorFile(t, bad, short), Options{Column: "y"}, "element [0]: +Inf"},
	} {
		if _, err := ReadTable(c.path, Labels, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	if _, err := ReadMatrix(tensorFile(t, x, y), Options{}); err == nil || !strings.Contains(err.Error(), "is not said") {
		t.Error(err)
	}
}

func TestTheSameNumbersGiveTheSameBitsInEveryFormat(t *testing.T) {
	numbers := []float64{0.1, -1e-3, 1e-45, 12345.678}
	want := []float32{0.1, -1e-3, 1e-45, 12345.678}
	fromNPY, err := ReadMatrix(put(t, "a.npy", npyOf("<f8", "(4,)", numbers)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	fromCSV, err := ReadMatrix(put(t, "a.csv", []byte("0.1\n-1e-3\n1e-45\n12345.678\n")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(fromNPY.F, want) || !slices.Equal(fromCSV.F, want) {
		t.Error(fromNPY.F, fromCSV.F)
	}
}

func TestAFileOfAnotherKindIsRefused(t *testing.T) {
	if _, err := ReadMatrix(put(t, "a.pickle", nil), Options{}); err == nil || !strings.Contains(err.Error(), "ends in .npy") {
		t.Error(err)
	}
	if _, err := ReadMatrix(t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Error(err)
	}
	if _, err := ReadTable(put(t, "a.npy", nil), Labels, Options{Column: "y"}); err == nil {
		t.Error("a column of an NPY file was read")
	}
}

func TestResultsAreWrittenAsCSV(t *testing.T) {
	var b bytes.Buffer
	rows := slices.Values([][]string{{"0", "-1"}, {"1", "a,b"}})
	if err := WriteCSV(&b, []string{"player", "value"}, rows); err != nil || b.String() != "player,value\n0,-1\n1,\"a,b\"\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
	if err := WriteCSV(&b, []string{"player"}, rows); err == nil {
		t.Error("a ragged result was written")
	}
}
