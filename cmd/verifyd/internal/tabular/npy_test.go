package tabular

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"
)

func TestEveryElementTypeOfNPYIsReadExactlyInEitherOrder(t *testing.T) {
	for _, c := range []struct {
		descr string
		data  any
		want  []float32
	}{
		{"f2", []uint16{0x3c01, 0x8001}, []float32{1 + 1.0/1024, -0x1p-24}},
		{"f4", []float32{1.5, -0.1}, []float32{1.5, -0.1}},
		{"f8", []float64{0.1, 1 + 1.0/(1<<24) + 1.0/(1<<50)}, []float32{0.1, 1 + 1.0/(1<<23)}},
		{"i1", []int8{-128, 127}, []float32{-128, 127}},
		{"i2", []int16{-32768, 32767}, []float32{-32768, 32767}},
		{"i4", []int32{-1 << 31, 16777217}, []float32{-1 << 31, 16777216}},
		{"i8", []int64{-1 << 63, 1 << 40}, []float32{-1 << 63, 1 << 40}},
		{"u1", []uint8{0, 255}, []float32{0, 255}},
		{"u2", []uint16{0, 65535}, []float32{0, 65535}},
		{"u4", []uint32{0, 1<<32 - 256}, []float32{0, 1<<32 - 256}},
		{"u8", []uint64{1, 1 << 63}, []float32{1, 1 << 63}},
		{"b1", []uint8{0, 1}, []float32{0, 1}},
	} {
		for mark, order := range map[string]binary.AppendByteOrder{"<": binary.LittleEndian, ">": binary.BigEndian} {
			if len(c.descr) == 2 && c.descr[1] == '1' {
				mark = "|"
			}
			path := put(t, "a.npy", npyIn(order, "{'descr': '"+mark+c.descr+"', 'fortran_order': False, 'shape': (1, 2), }", c.data))
			m, err := Read(path, Options{})
			if err != nil || m.Rows != 1 || m.Cols != 2 || !slices.Equal(m.F, c.want) {
				t.Errorf("%s%s: %v, %v; want %v", mark, c.descr, m, err, c.want)
			}
		}
	}
}

func TestEveryHalfIsWhatItsBitsSay(t *testing.T) {
	for h := range 1 << 16 {
		got := half(uint16(h))
		sign, e, f := h>>15, h>>10&31, h&1023
		want := math.Float32frombits(uint32(sign)<<31 | uint32(e+112)<<23 | uint32(f)<<13)
		switch {
		case e == 0:
			want = float32(f) * 0x1p-24 * float32(1-2*sign)
		case e == 31:
			want = math.Float32frombits(uint32(sign)<<31 | 255<<23 | uint32(f)<<13)
		}
		if float32(got) != want && !(math.IsNaN(got) && want != want) {
			t.Fatalf("%#04x: %v, want %v", h, got, want)
		}
	}
}

func TestColumnsThatFollowOneAnotherAreTheSameTable(t *testing.T) {
	c, err := Read(put(t, "c.npy", npyOf("<f8", "(2, 3)", []float64{1, 2, 3, 4, 5, 6})), Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := Read(put(t, "f.npy", npyFile("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }", []float64{1, 4, 2, 5, 3, 6})), Options{})
	if err != nil || f.Rows != 2 || f.Cols != 3 || !slices.Equal(c.F, f.F) {
		t.Errorf("%v and %v, %v", c, f, err)
	}
	path := put(t, "n.npy", npyFile("{'descr': '<f8', 'fortran_order': True, 'shape': (2, 3), }", []float64{1, 4, math.NaN(), 5, 3, 6}))
	_, err = Read(path, Options{})
	refused(t, "NaN", path, err, "element [0, 1]: NaN is not finite")
}

func TestVersions2And3OfNPYAreRead(t *testing.T) {
	for _, version := range []byte{2, 3} {
		text := `{"shape":(2,),"descr":"<i4","fortran_order":False}` + "\n"
		b := append([]byte("\x93NUMPY"), version, 0, byte(len(text)), 0, 0, 0)
		b = append(append(b, text...), 1, 0, 0, 0, 2, 0, 0, 0)
		c, err := ReadColumn(put(t, "a.npy", b), 2, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if names, classes := classesOf(t, c); !slices.Equal(classes, []int32{0, 1}) || !slices.Equal(names, []string{"1", "2"}) {
			t.Errorf("version %d: %v of %v", version, classes, names)
		}
	}
}

func TestTextOfNPYIsLabels(t *testing.T) {
	cat := []uint32{'c', 'a', 't', 0, 'ö', 0, 0, 0, 'c', 'a', 't', 0}
	for order, mark := range map[binary.AppendByteOrder]string{binary.LittleEndian: "<", binary.BigEndian: ">"} {
		c, err := ReadColumn(put(t, "y.npy", npyIn(order, "{'descr': '"+mark+"U4', 'fortran_order': False, 'shape': (3,), }", cat)), 3, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if names, classes := classesOf(t, c); !slices.Equal(names, []string{"cat", "ö"}) || !slices.Equal(classes, []int32{0, 1, 0}) {
			t.Errorf("%s: %v of %q", mark, classes, names)
		}
	}
	path := put(t, "x.npy", npyOf("|S3", "(2, 1)", []byte("abcdef")))
	_, err := Read(path, Options{})
	refused(t, "features", path, err, "text is no feature")
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
		{"records", "array of records", npyFile("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 2), }", two)},
		{"no order", "order of its bytes", npyOf("=f4", "(1, 2)", two)},
		{"text that is not there", "length", npyOf("<U4", "(1, 2)", two)},
		{"long text", "text of 1 to 1024", npyOf("<U99999", "(1, 2)", two)},
		{"times", "is a time", npyOf("<M8[ns]", "(1, 1)", two)},
		{"complex", "want f2", npyOf("<c8", "(1, 1)", two)},
		{"no type", "no element type", npyOf("<", "(1, 1)", two)},
		{"neither order", "True or False", npyFile("{'descr': '<f4', 'fortran_order': None, 'shape': (1, 2), }", two)},
		{"three dimensions", "more than 2 dimensions", npyOf("<f4", "(1, 1, 2)", two)},
		{"a scalar", "no dimension", npyOf("<f4", "()", two)},
		{"no tuple", "not a tuple", npyOf("<f4", "(2)", two)},
		{"a long", "is needed", npyOf("<f4", "(2L,)", two)},
		{"a leading zero", "plain decimal", npyOf("<f4", "(02,)", two)},
		{"negative", "plain decimal", npyOf("<f4", "(-2,)", two)},
		{"no rows", "rows: 0 is outside", npyOf("<f4", "(0, 2)", []float32{})},
		{"many rows", "rows: 999999999999", npyOf("<f4", "(999999999999, 2)", two)},
		{"many columns", "columns: 1048577", npyOf("<f4", "(1, 1048577)", two)},
		{"more than the limit", "the limit is 1000", npyOf("<f4", "(20, 20)", make([]float32, 400))},
		{"too short", "take", npyOf("<f4", "(1, 3)", two)},
		{"too long", "take", npyOf("<f4", "(1, 1)", two)},
		{"no key", "are needed", npyFile("{'descr': '<f4', 'shape': (1, 2), }", two)},
		{"a key twice", "given twice", npyFile("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", two)},
		{"another key", "unknown key", npyFile("{'descr': '<f4', 'x': False, 'shape': (1, 2), }", two)},
		{"Python", "is needed", npyFile("{'descr': str(1), 'fortran_order': False, 'shape': (1, 2), }", two)},
		{"something after it", "follow", npyFile("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), } # 1", two)},
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
		_, err := Read(path, Options{Limit: 1000})
		refused(t, c.name, path, err, c.want)
	}
}

// npz is an NPZ file of members by name.
func npz(method uint16, members ...any) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for k := 0; k < len(members); k += 2 {
		w, err := z.CreateHeader(&zip.FileHeader{Name: members[k].(string), Method: method})
		if err != nil {
			panic(err)
		}
		if _, err := w.Write(members[k+1].([]byte)); err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestAnNPZFileHoldsFeaturesAndLabels(t *testing.T) {
	x, y := npyOf("<f4", "(2, 2)", []float32{1, 2, 3, 4}), npyOf("<i8", "(2,)", []int64{70000000000, -1})
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		for _, file := range [][]byte{npz(method, "x.npy", x, "y.npy", y), npz(method, "y.npy", y, "x.npy", x)} {
			got, err := Read(put(t, "a.npz", file), Options{Pick: []string{"y"}})
			if err != nil || got.Rows != 2 || got.Cols != 2 || !slices.Equal(got.F, []float32{1, 2, 3, 4}) {
				t.Fatalf("%+v, %v", got, err)
			}
			if names, _ := classesOf(t, got.Picked[0]); !slices.Equal(names, []string{"70000000000", "-1"}) {
				t.Errorf("labels %q", names)
			}
		}
	}
	age, pay := npyOf("<f4", "(2,)", []float32{1, 2}), npyOf("<f4", "(2,)", []float32{3, 4})
	got, err := Read(put(t, "a.npz", npz(zip.Store, "age.npy", age, "y.npy", y, "pay.npy", pay)), Options{Pick: []string{"y"}})
	if err != nil || !slices.Equal(got.F, []float32{1, 3, 2, 4}) || !slices.Equal(got.Names, []string{"age", "pay"}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAnNPZFileThatIsNotStrictIsRefused(t *testing.T) {
	x, y := npyOf("<f4", "(2, 2)", []float32{1, 2, 3, 4}), npyOf("<i8", "(2,)", []int64{7, 8})
	many := []any{}
	for k := range maxMembers + 1 {
		many = append(many, fmt.Sprintf("%d.npy", k), y)
	}
	broken := npz(zip.Store, "y.npy", y, "x.npy", x)
	broken[bytes.Index(broken, []byte{0, 0, 0x80, 0x3f})+3] = 0x40
	good := npz(zip.Store, "y.npy", y, "x.npy", x)
	end := bytes.LastIndex(good, []byte("PK\x05\x06"))
	less := slices.Clone(good)
	binary.LittleEndian.PutUint32(less[end+12:], 10)
	record := make([]byte, 56) // says that there is nothing, where a reader that does not ask it finds two
	copy(record, "PK\x06\x06")
	locator := binary.LittleEndian.AppendUint64([]byte("PK\x06\x07\x00\x00\x00\x00"), uint64(end))
	other := slices.Concat(good[:end], record, locator, []byte{1, 0, 0, 0}, good[end:])
	bomb := npz(zip.Deflate, "x.npy", npyOf("|u1", "(100000000, 1)", make([]byte, 100000000)), "y.npy", npyOf("|u1", "(100000000, 1)", make([]byte, 100000000)))
	for _, c := range []struct {
		name, want string
		file       []byte
	}{
		{"no ZIP file", "not a ZIP file", y},
		{"nothing", "not a ZIP file", nil},
		{"many members", "4097 members, the limit is 4096", npz(zip.Store, many...)},
		{"a member that is no array", `member "a.txt": want .npy`, npz(zip.Store, "a.txt", y)},
		{"a member that is too long", "take", npz(zip.Store, "y.npy", append(slices.Clone(y), 0), "x.npy", x)},
		{"rows that differ", "rows, others have", npz(zip.Store, "y.npy", npyOf("<i8", "(1,)", []int64{7}), "x.npy", x)},
		{"two arrays of features", "which one holds the features is not said", npz(zip.Store, "y.npy", y, "x.npy", x, "z.npy", x)},
		{"a name twice", "twice", npz(zip.Store, "y.npy", y, "y.npy", y)},
		{"no such array", `column "y" is missing`, npz(zip.Store, "z.npy", y, "x.npy", x)},
		{"a wrong checksum", "checksum", broken},
		{"a directory that is longer than it says", "ZIP: a directory of 10 bytes, from byte", less},
		{"a directory that two readers see differently", "ZIP: its ZIP64 record says something else than its end", other},
		{"far more than it is", "more than 1024 times as much is refused", bomb},
	} {
		path := put(t, "a.npz", c.file)
		_, err := Read(path, Options{Pick: []string{"y"}})
		refused(t, c.name, path, err, c.want)
	}
}
