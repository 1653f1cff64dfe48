package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/fault"
)

const megabyte = 1 << 20

func file(header string, data ...byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), data...)
}

func sample() (map[string]string, []Tensor) {
	return map[string]string{"step": "3", "a": `"<é>"`}, []Tensor{
		{Name: "param/net.0.weight", Shape: []int{2, 3}, F32: []float32{1, -2, 3, float32(math.Inf(-1)), 0, 6}},
		{Name: "ids", Shape: []int{2}, I32: []int32{-1, 7}},
		{Name: "rows", Shape: []int{1, 2}, I64: []int64{1 << 40, -3}},
		{Name: "digest", Shape: []int{3}, U8: []byte{9, 8, 7}},
		{Name: "scalar", Shape: []int{}, F32: []float32{0.5}},
	}
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	metadata, tensors := sample()
	var buf bytes.Buffer
	if err := Write(&buf, metadata, tensors); err != nil {
		t.Fatal(err)
	}
	got, err := Read(bytes.NewReader(buf.Bytes()), "f", megabyte)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Tensors, tensors) || !reflect.DeepEqual(got.Metadata, metadata) {
		t.Errorf("got %+v", got)
	}
	if n := binary.LittleEndian.Uint64(buf.Bytes()); n%8 != 0 {
		t.Errorf("header of %d bytes leaves the data unaligned", n)
	}
	var again bytes.Buffer
	if err := Write(&again, got.Metadata, got.Tensors); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(again.Bytes(), buf.Bytes()) {
		t.Error("writing is not canonical")
	}
}

func TestTheBytesOfAFileAreFixed(t *testing.T) {
	var buf bytes.Buffer
	err := Write(&buf, map[string]string{"k": "v"}, []Tensor{
		{Name: "a", Shape: []int{1}, F32: []float32{1}}, {Name: "b", Shape: []int{2}, I32: []int32{1, -2}}})
	if err != nil {
		t.Fatal(err)
	}
	const header = `{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},` +
		`"b":{"dtype":"I32","shape":[2],"data_offsets":[4,12]}}   `
	want := file(header, 0, 0, 0x80, 0x3f, 1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff)
	if !bytes.Equal(buf.Bytes(), want) {
		t.Errorf("got  %q\nwant %q", buf.Bytes(), want)
	}
}

func TestAHeaderInAnyOrderIsReadInTheOrderOfItsBytes(t *testing.T) {
	f, err := Read(bytes.NewReader(file(
		`{"b":{"shape":[1],"data_offsets":[4,8],"dtype":"I32"},"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}`,
		1, 0, 0, 0, 2, 0, 0, 0)), "f", 8)
	if err != nil {
		t.Fatal(err)
	}
	if f.Tensors[0].Name != "a" || f.Tensors[1].I32[0] != 2 {
		t.Errorf("%+v", f.Tensors)
	}
}

// hostile are files that must be refused, each with the words that its error must contain.
var hostile = []struct {
	name  string
	data  []byte
	words string
}{
	{"empty file", nil, "header length: the file is truncated"},
	{"truncated length", []byte{1, 2, 3}, "header length: the file is truncated"},
	{"header past 1 MiB", binary.LittleEndian.AppendUint64(nil, MaxHeader+1), "header length: 1048577 bytes, the limit is 1048576"},
	{"header of 2^64-1", bytes.Repeat([]byte{0xff}, 16), "the limit is 1048576"},
	{"truncated header", file(`{"a":{}}`)[:12], "header: the file is truncated"},
	{"empty header", file(``), "does not begin with {"},
	{"array", file(`[]`), "does not begin with {"},
	{"leading space", file(` {}`), "does not begin with {"},
	{"not UTF-8", file("{\"\xff\":1}"), "not UTF-8"},
	{"not JSON", file(`{"a":}`), "JSON"},
	{"unclosed", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}`, 0), "JSON"},
	{"two objects", file(`{}{}`), "follow the JSON object"},
	{"duplicate tensor", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 0), `key "a" is given twice`},
	{"duplicate field", file(`{"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 0), `key "dtype" is given twice`},
	{"duplicate metadata", file(`{"__metadata__":{},"__metadata__":{}}`), "given twice"},
	{"duplicate metadata key", file(`{"__metadata__":{"k":"1","k":"2"}}`), "given twice"},
	{"metadata not text", file(`{"__metadata__":{"k":1}}`), "text is needed"},
	{"metadata too large", file(`{"__metadata__":{"k":"` + strings.Repeat("x", MaxMetadata) + `"}}`), "more than 65536 bytes"},
	{"unknown field", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"x":1}}`, 0), `unknown key "x"`},
	{"missing field", file(`{"a":{"dtype":"U8","shape":[1]}}`), "are needed"},
	{"unknown dtype", file(`{"a":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}`, 0, 0), `dtype "BF16"`},
	{"empty name", file(`{"":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 0), "no name"},
	{"path in name", file(`{"..\\a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 0), "is not one of"},
	{"long name", file(`{"` + strings.Repeat("n", MaxName+1) + `":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`), "the limit is 256"},
	{"hole at the start", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 0, 0), "hole"},
	{"hole", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}}`, 0, 0, 0), "hole"},
	{"overlap", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}}`, 0, 0, 0), "inside the tensor before it"},
	{"shared bytes", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 0, 0), "inside the tensor before it"},
	{"offsets reversed", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,0]}}`), "not a begin and an end"},
	{"three offsets", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,2]}}`), "more than 2 numbers"},
	{"size differs from shape", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 0, 0, 0, 0), "needs 8"},
	{"shape overflows", file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`), "overflows"},
	{"shape wraps to its size", file(`{"a":{"dtype":"F32","shape":[2305843009213693952,8],"data_offsets":[0,0]}}`), "overflows"},
	{"negative dimension", file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`), "plain decimal"},
	{"exponent", file(`{"a":{"dtype":"F32","shape":[1e1],"data_offsets":[0,40]}}`), "plain decimal"},
	{"fraction", file(`{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}`), "plain decimal"},
	{"dimension past 2^63", file(`{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}`), "plain decimal"},
	{"empty tensor", file(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`), "at least 1"},
	{"nine dimensions", file(`{"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}}`, 0), "more than 8 numbers"},
	{"deep nesting", file(`{"a":` + strings.Repeat("[", 100000)), "JSON"},
	{"deep shape", file(`{"a":{"shape":` + strings.Repeat("[", 100000)), "a number is needed"},
	{"too many tensors", file(manyTensors(MaxTensors + 1)), "more than 8192 tensors"},
	{"larger than the limit", file(`{"a":{"dtype":"U8","shape":[1048577],"data_offsets":[0,1048577]}}`), "tensors of 1048577 bytes, the limit is 1048576"},
	{"truncated tensor", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 0), `tensor "a": the file is truncated`},
	{"missing tensor", file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`), `tensor "a": the file is truncated`},
	{"trailing byte", file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 0, 0), "bytes follow the last tensor"},
}

// otherClasses are those of hostile files that are not badly formed.
var otherClasses = map[string]fault.Class{
	"empty file":              fault.BadLength,
	"truncated length":        fault.BadLength,
	"truncated header":        fault.BadLength,
	"truncated tensor":        fault.BadLength,
	"missing tensor":          fault.BadLength,
	"trailing byte":           fault.BadLength,
	"header past 1 MiB":       fault.TooLarge,
	"header of 2^64-1":        fault.TooLarge,
	"metadata too large":      fault.TooLarge,
	"long name":               fault.TooLarge,
	"three offsets":           fault.TooLarge,
	"shape overflows":         fault.TooLarge,
	"shape wraps to its size": fault.TooLarge,
	"nine dimensions":         fault.TooLarge,
	"too many tensors":        fault.TooLarge,
	"larger than the limit":   fault.TooLarge,
}

func manyTensors(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"%d":{"dtype":"U8","shape":[1],"data_offsets":[%d,%d]}`, i, i, i+1)
	}
	return "{" + b.String()[1:] + "}"
}

func TestHostileFilesAreRefusedByNameAndReason(t *testing.T) {
	for _, c := range hostile {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(bytes.NewReader(c.data), "claim.safetensors", megabyte)
			if err == nil {
				t.Fatal("accepted")
			}
			if !strings.HasPrefix(err.Error(), "claim.safetensors: ") || !strings.Contains(err.Error(), c.words) {
				t.Errorf("error %q does not name the file and say %q", err, c.words)
			}
			want := fault.BadForm
			if class, ok := otherClasses[c.name]; ok {
				want = class
			}
			if got := fault.Of(err); got != want {
				t.Errorf("%v is of class %s, want %s", err, got, want)
			}
			if len(err.Error()) > 600 {
				t.Errorf("error of %d characters", len(err.Error()))
			}
		})
	}
}

func TestAFileThatDiffersFromWhatIsExpectedIsRefused(t *testing.T) {
	a := Info{"a", F32, []int{1}}
	b := Info{"b", F32, []int{1}}
	var buf bytes.Buffer
	w, err := NewWriter(&buf, nil, []Info{a, b})
	if err != nil {
		t.Fatal(err)
	}
	if w.Close() == nil {
		t.Error("closed before the tensors were written")
	}
	for _, x := range []float32{1, 2} {
		if err := w.F32([]float32{x}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		want  []Info
		words string
	}{
		{[]Info{a, b}, ""},
		{[]Info{b, a}, `tensor 0 is "a"`},
		{[]Info{a}, `"b" is not expected`},
		{[]Info{a, b, {"c", F32, []int{1}}}, `"c" is missing`},
		{[]Info{a, {"b", I32, []int{1}}}, `"b", I32 [1] is needed`},
		{[]Info{a, {"b", F32, []int{1, 1}}}, `F32 [1 1] is needed`},
	} {
		r, err := NewReader(bytes.NewReader(buf.Bytes()), "f", 8)
		if err != nil {
			t.Fatal(err)
		}
		err = r.Expect(c.want)
		if (err == nil) != (c.words == "") || err != nil && (!strings.Contains(err.Error(), c.words) || fault.Of(err) != fault.WrongType) {
			t.Errorf("expecting %v: %v", c.want, err)
		}
	}
}

func TestReadingIntoTheWrongBufferIsRefused(t *testing.T) {
	data := file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, make([]byte, 8)...)
	r, err := NewReader(bytes.NewReader(data), "f", 8)
	if err != nil {
		t.Fatal(err)
	}
	if r.F32(make([]float32, 1)) == nil || r.I32(make([]int32, 2)) == nil || r.U8(make([]byte, 8)) == nil {
		t.Error("a wrong buffer was filled")
	}
	if err := r.F32(make([]float32, 2)); err != nil {
		t.Error(err)
	}
	if r.F32(nil) == nil {
		t.Error("read past the last tensor")
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestBadTensorsAreNotWritten(t *testing.T) {
	one := []byte{1}
	for name, tensors := range map[string][]Tensor{
		"duplicate":  {{Name: "a", Shape: []int{1}, U8: one}, {Name: "a", Shape: []int{1}, U8: one}},
		"name":       {{Name: "a b", Shape: []int{1}, U8: one}},
		"shape":      {{Name: "a", Shape: []int{2}, U8: one}},
		"no element": {{Name: "a", Shape: []int{0}, U8: []byte{}}},
		"no type":    {{Name: "a", Shape: []int{1}}},
		"overflow":   {{Name: "a", Shape: []int{1 << 32, 1 << 32}, U8: one}},
	} {
		if err := Write(io.Discard, nil, tensors); err == nil {
			t.Errorf("%s: written", name)
		}
	}
}

func compressed(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := Compress(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestCompressedFilesComeBack(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), megabyte/4)
	packed := compressed(t, data)
	if !bytes.Equal(packed, compressed(t, data)) {
		t.Error("two compressions differ")
	}
	d, err := Decompress(bytes.NewReader(packed), "f", int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	got, err := io.ReadAll(d)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d of %d bytes, %v", len(got), len(data), err)
	}
}

func TestDecompressionStopsAtTheLimit(t *testing.T) {
	bomb := compressed(t, make([]byte, 64*megabyte))
	d, err := Decompress(bytes.NewReader(bomb), "bomb.zst", 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	n, err := io.Copy(io.Discard, d)
	if err == nil || n > 1000 || !strings.Contains(err.Error(), "bomb.zst: zstd: more than 1000 bytes") || fault.Of(err) != fault.TooLarge {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestAHugeWindowIsRefusedBeforeItIsAllocated(t *testing.T) {
	// A frame header that asks for a window of 1 GiB: magic, descriptor, window descriptor.
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0x01, 0x00, 0x00}
	d, err := Decompress(bytes.NewReader(frame), "f.zst", megabyte)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := io.ReadAll(d); err == nil || !strings.Contains(err.Error(), "window") || fault.Of(err) != fault.TooLarge {
		t.Errorf("error %v of class %s", err, fault.Of(err))
	}
}

func FuzzRead(f *testing.F) {
	var good bytes.Buffer
	metadata, tensors := sample()
	if err := Write(&good, metadata, tensors); err != nil {
		f.Fatal(err)
	}
	f.Add(good.Bytes())
	for _, c := range hostile {
		if len(c.data) < 4096 {
			f.Add(c.data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := Read(bytes.NewReader(data), "f", megabyte)
		if err != nil {
			return
		}
		var again bytes.Buffer
		if err := Write(&again, got.Metadata, got.Tensors); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		back, err := Read(&again, "f", megabyte)
		if err != nil || len(back.Tensors) != len(got.Tensors) {
			t.Fatalf("what was written cannot be read: %v", err)
		}
	})
}

func FuzzDecompress(f *testing.F) {
	f.Add(compressed(f, []byte("hello")))
	f.Add(compressed(f, make([]byte, 100000)))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0x01, 0x00, 0x00})
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Decompress(bytes.NewReader(data), "f", 4096)
		if err != nil {
			return
		}
		defer d.Close()
		if n, _ := io.Copy(io.Discard, d); n > 4096 {
			t.Fatalf("%d bytes out of a limit of 4096", n)
		}
	})
}
