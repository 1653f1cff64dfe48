package tabular

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/safetensors"
)

func TestClassesDependOnWhichRowsShareALabelAndOnNothingElse(t *testing.T) {
	train, test := []int{0, 1, 1, 0, 2, 0}, []int{2, 3, 0}
	column := func(rows []int, labels []string) string {
		var text strings.Builder
		text.WriteString("x,y\n")
		for i, r := range rows {
			text.WriteString(strings.Repeat("1", i+1) + ",\"" + labels[r] + "\"\n")
		}
		return text.String()
	}
	for _, labels := range [][]string{
		{"0", "1", "2", "3"}, {"3", "2", "1", "0"}, {"1", "2", "3", "4"}, {"-1", "1", "0", "5000"}, {"1e3", "2000.0", "-0.0", "9007199254740992"},
		{"b", "a", "Iris, other", "1"}, {"1", "2", "x", "01"}, {"true", "false", "maybe", "True"},
	} {
		d, err := ReadData(Files{
			Train: put(t, "a.csv", []byte(column(train, labels))), Test: put(t, "b.csv", []byte(column(test, labels))), Columns: []string{"y"},
		}, Labels)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(d.TrainLabels, []int32{0, 1, 1, 0, 2, 0}) || !slices.Equal(d.TestLabels, []int32{2, 3, 0}) || len(d.Classes) != 4 {
			t.Errorf("%q: classes %v and %v of %q", labels, d.TrainLabels, d.TestLabels, d.Classes)
		}
	}
}

func TestOneLabelIsOneClassInEveryFormat(t *testing.T) {
	spelled := func(cells ...string) *Column { return &Column{text: cells} }
	for name, c := range map[string]struct {
		train, test *Column
		names       []string
	}{
		"numbers beside text of numbers": {&Column{Kind: Whole, whole: []int64{7, 8}}, spelled("8.0", "7"), []string{"7", "8"}},
		"binary64 beside integers":       {&Column{Kind: Real, real: []float64{7, 8}}, &Column{Kind: Whole, whole: []int64{8, 7}}, []string{"7", "8"}},
		"booleans beside their words":    {&Column{Kind: Boolean, whole: []int64{0, 1}}, spelled("TRUE", "False"), []string{"false", "true"}},
		"text beside numbers spelled":    {&Column{Kind: Text, text: []string{"7", "8.0"}}, spelled("8.0", "7"), []string{"7", "8.0"}},
		"words in one file only":         {spelled("1", "2"), spelled("2", "x"), []string{"1", "2", "x"}},
	} {
		names, _, test, err := Classes(c.train, c.test)
		if err != nil || !slices.Equal(names, c.names) || test[0] != 1 {
			t.Errorf("%s: %q, %v, %v", name, names, test, err)
		}
	}
	for want, pair := range map[string][2]*Column{
		"whole numbers, a.npy has text": {{Kind: Text, text: []string{"1"}, File: "a.npy"}, {Kind: Whole, whole: []int64{1}}},
		"0.5 is not a label":            {{Kind: Real, real: []float64{0.5}}, {Kind: Whole, whole: []int64{1}}},
		`"x" is not a number`:           {{Kind: Whole, whole: []int64{1}}, spelled("x")},
		`"x" among booleans`:            {{Kind: Boolean, whole: []int64{1}}, spelled("x")},
		"NaN is not a label":            {{Kind: Real, real: []float64{math.NaN()}}, {Kind: Whole, whole: []int64{1}}},
	} {
		if _, _, _, err := Classes(pair[0], pair[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestOwnersArePlayersByName(t *testing.T) {
	names, players, err := Owners(&Column{text: []string{"bob", "ann", "bob"}})
	if err != nil || !slices.Equal(names, []string{"bob", "ann"}) || !slices.Equal(players, []int32{0, 1, 0}) {
		t.Errorf("%q, %v, %v", names, players, err)
	}
	names, players, err = Owners(&Column{Kind: Whole, whole: []int64{12, 3, 12, 7}})
	if err != nil || !slices.Equal(names, []string{"3", "7", "12"}) || !slices.Equal(players, []int32{2, 0, 2, 1}) {
		t.Errorf("numbers: %q, %v, %v", names, players, err)
	}
}

func TestColumnsAreMatchedByName(t *testing.T) {
	train := put(t, "a.csv", []byte("a,b,c,y\n1,2,3,0\n1,2,3,1\n"))
	read := func(text string, change func(*Files)) (*Data, string, error) {
		f := Files{Train: train, Test: put(t, "b.csv", []byte(text)), Columns: []string{"y"}}
		if change != nil {
			change(&f)
		}
		d, err := ReadData(f, Labels)
		return d, f.Test, err
	}
	d, _, err := read("c,y,a,b\n30,0,10,20\n31,0,11,21\n", nil)
	if err != nil || !slices.Equal(d.Test.F, []float32{10, 20, 30, 11, 21, 31}) || !slices.Equal(d.Names, []string{"a", "b", "c"}) {
		t.Errorf("%+v, %v", d, err)
	}
	_, path, err := read("c,y,a\n30,0,10\n", nil)
	refused(t, "missing", path, err, `column "b" is missing`)
	_, path, err = read("c,y,a,b,d\n3,0,1,2,4\n", nil)
	refused(t, "extra", path, err, `column "d" is not in `+train)
	if _, _, err = read("c,y,a,b,d\n3,0,1,2,4\n", func(f *Files) { f.Drop, f.Lenient = []string{"d"}, true }); err != nil {
		t.Error(err)
	}
	_, path, err = read("1.5,2,3,0\n", func(f *Files) { f.Columns = []string{"4"} })
	refused(t, "without names", path, err, "its columns have no names")
	if _, _, err = read("1.5,2,3,0\n", func(f *Files) { f.Columns, f.ByPlace = []string{"4"}, true }); err != nil {
		t.Error(err)
	}
}

func TestFilesThatDoNotFitTogetherAreRefused(t *testing.T) {
	for _, c := range []struct {
		want string
		f    Files
	}{
		{"--train or --test is missing", Files{Train: "a"}},
		{"give either --column, or --train-labels", Files{Train: "a", Test: "b"}},
		{"give either --column, or --train-labels", Files{Train: "a", Test: "b", TrainLabels: "c"}},
		{"give either --column, or --train-labels", Files{Train: "a", Test: "b", Columns: []string{"y"}, TrainLabels: "c", TestLabels: "d"}},
		{"give either --owners or --owner-column", Files{Train: "a", Test: "b", Columns: []string{"y"}, Owners: "o", OwnerColumn: "p"}},
	} {
		if _, err := ReadData(c.f, Labels); !errors.Is(err, ErrFiles) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestTargetsAreFixedPoint(t *testing.T) {
	targets := func(name string, file []byte, rows int) ([]int64, error) {
		c, err := ReadColumn(put(t, name, file), rows, Options{})
		if err != nil {
			return nil, err
		}
		return c.Targets()
	}
	got, err := targets("y.npy", npyOf("<f8", "(4,)", []float64{0.123456789, -2.5e-9, 3.5e-9, 9e6}), 4)
	if err != nil || !slices.Equal(got, []int64{123456789, -2, 4, 9e15}) {
		t.Error(got, err)
	}
	got, err = targets("y.csv", []byte("t\n-7\n0.5\n1e-9\n"), 3)
	if err != nil || !slices.Equal(got, []int64{-7e9, 5e8, 1}) {
		t.Error(got, err)
	}
	for _, bad := range []float64{9.1e6, math.Inf(-1), math.NaN()} {
		if got, err := targets("y.npy", npyOf("<f8", "(1,)", []float64{bad}), 1); err == nil {
			t.Errorf("%v are targets %v", bad, got)
		}
	}
}

// tensors is a safetensors file of a header and bytes.
func tensors(t *testing.T, header string, data []byte) string {
	t.Helper()
	b := append([]byte{byte(len(header)), byte(len(header) >> 8), 0, 0, 0, 0, 0, 0}, header...)
	return put(t, "a.safetensors", append(b, data...))
}

func TestATensorFileHoldsFeaturesAndLabels(t *testing.T) {
	x := safetensors.Tensor{Name: "x", Shape: []int{2, 1, 2}, F32: []float32{1, 2, 3, 4}}
	y := safetensors.Tensor{Name: "y", Shape: []int{2}, I32: []int32{5, 6}}
	for _, list := range [][]safetensors.Tensor{{x, y}, {y, x}} {
		var b strings.Builder
		if err := safetensors.Write(&b, nil, list); err != nil {
			t.Fatal(err)
		}
		got, err := Read(put(t, "a.safetensors", []byte(b.String())), Options{Pick: []string{"y"}})
		if err != nil || got.Rows != 2 || got.Cols != 2 || !slices.Equal(got.F, x.F32) {
			t.Fatalf("%+v, %v", got, err)
		}
		if names, classes := classesOf(t, got.Picked[0]); !slices.Equal(names, []string{"5", "6"}) || !slices.Equal(classes, []int32{0, 1}) {
			t.Errorf("%q, %v", names, classes)
		}
	}
}

func TestEveryElementTypeOfTensorsIsReadExactly(t *testing.T) {
	for dtype, data := range map[string]string{
		"F16": "\x00\x3e", "BF16": "\xc0\x3f", "F32": "\x00\x00\xc0\x3f", "F64": "\x00\x00\x00\x00\x00\x00\xf8\x3f",
	} {
		got, err := Read(tensors(t, `{"x":{"dtype":"`+dtype+`","shape":[1],"data_offsets":[0,`+string('0'+rune(len(data)))+`]}}`, []byte(data)), Options{})
		if err != nil || !slices.Equal(got.F, []float32{1.5}) {
			t.Errorf("%s: %v, %v", dtype, got, err)
		}
	}
	for dtype, data := range map[string]string{
		"I8": "\xfe", "I16": "\xfe\xff", "I32": "\xfe\xff\xff\xff", "I64": "\xfe\xff\xff\xff\xff\xff\xff\xff",
	} {
		got, err := Read(tensors(t, `{"x":{"dtype":"`+dtype+`","shape":[1],"data_offsets":[0,`+string('0'+rune(len(data)))+`]}}`, []byte(data)), Options{})
		if err != nil || !slices.Equal(got.F, []float32{-2}) {
			t.Errorf("%s: %v, %v", dtype, got, err)
		}
	}
	for dtype, want := range map[string]float32{"U8": 254, "BOOL": 1, "U16": 65534, "U32": 1<<32 - 2, "U64": 1 << 64} {
		data := strings.Repeat("\xff", map[string]int{"U8": 1, "BOOL": 1, "U16": 2, "U32": 4, "U64": 8}[dtype])
		data = "\xfe" + data[1:]
		if dtype == "BOOL" {
			data = "\x01"
		}
		got, err := Read(tensors(t, `{"x":{"dtype":"`+dtype+`","shape":[1],"data_offsets":[0,`+string('0'+rune(len(data)))+`]}}`, []byte(data)), Options{})
		if err != nil || !slices.Equal(got.F, []float32{want}) {
			t.Errorf("%s: %v, %v; want %v", dtype, got, err, want)
		}
	}
}

func TestATensorFileThatIsNotStrictIsRefused(t *testing.T) {
	for _, c := range []struct{ name, header, data, want string }{
		{"another type", `{"x":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}`, "1", "none of those that are read"},
		{"a scalar", `{"x":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}`, "1", "a single number is not a table"},
		{"no boolean", `{"x":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}}`, "2", "no boolean"},
		{"infinity", `{"x":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}`, "\x00\x7c", "element [0]: +Inf is not finite"},
		{"too short", `{"x":{"dtype":"U8","shape":[9],"data_offsets":[0,9]}}`, "2", "truncated"},
		{"too long", `{"x":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, "22", "more bytes than its header says"},
		{"no tensor", `{}`, "", "no array"},
	} {
		path := tensors(t, c.header, []byte(c.data))
		_, err := Read(path, Options{})
		refused(t, c.name, path, err, c.want)
	}
}

func TestTheSameNumbersGiveTheSameBitsInEveryFormat(t *testing.T) {
	numbers := []float64{0.1, -1e-3, 1e-45, 12345.678, 1 + 0x1p-24 + 0x1p-50, 9007199254740993}
	a, err := Read(put(t, "a.npy", npyOf("<f8", "(6,)", numbers)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := Read(put(t, "a.csv", []byte("0.1\n-1e-3\n1e-45\n12345.678\n1.0000000596046457\n9007199254740993\n")), Options{Header: No})
	if err != nil || !slices.Equal(a.F, b.F) {
		t.Error(a.F, b.F, err)
	}
}

func TestAFileOfAnotherKindIsRefused(t *testing.T) {
	path := put(t, "a.pickle", nil)
	_, err := Read(path, Options{})
	refused(t, "pickle", path, err, "ends in .csv")
	if _, err := Read(t.TempDir(), Options{}); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Error(err)
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none.csv"), Options{}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Error(err)
	}
	if _, err := Read(put(t, "a.npy", npyOf("<f4", "(1, 2)", []float32{1, 2})), Options{Pick: []string{"y"}}); err == nil {
		t.Error("a column of an NPY file was read")
	}
}
