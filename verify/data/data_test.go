package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// put writes a file into a folder.
func put(t testing.TB, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// npyOf is an .npy of version 1.
func npyOf(descr, shape string, elements []byte) []byte {
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n", descr, shape)
	return append(append([]byte("\x93NUMPY\x01\x00"), append([]byte{byte(len(header)), 0}, header...)...), elements...)
}

// shorts are little-endian numbers 0, 1, 2, ...
func shorts(n int) []byte {
	var b []byte
	for i := range n {
		b = binary.LittleEndian.AppendUint16(b, uint16(i))
	}
	return b
}

// tensorFile is a safetensors file.
func tensorFile(t testing.TB, tensors ...safetensors.Tensor) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := safetensors.Write(&b, nil, tensors); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// open opens and commits files.
func open(t testing.TB, args []string, o Options) *Files {
	t.Helper()
	f, err := Open(args, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := f.Commit(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFilesOfTensorsAreTheDataSetThatOneFileIs(t *testing.T) {
	dir := t.TempDir()
	x := make([]float32, 35)
	for i := range x {
		x[i] = float32(i) / 8
	}
	y := []int32{4, 3, 2, 1, 0}
	whole := put(t, dir, "whole.safetensors", tensorFile(t, safetensors.Tensor{Name: "y", Shape: []int{5}, I32: y}, safetensors.Tensor{Name: "x", Shape: []int{5, 7}, F32: x}))
	memory, err := job.ReadDataset(whole, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	raw := func(v any) []byte {
		b, err := binary.Append(nil, binary.LittleEndian, v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	a := put(t, dir, "a.safetensors", tensorFile(t, safetensors.Tensor{Name: "x", Shape: []int{2, 7}, F32: x[:14]}, safetensors.Tensor{Name: "y", Shape: []int{2}, I32: y[:2]}))
	b := put(t, dir, "b.safetensors", tensorFile(t, safetensors.Tensor{Name: "x", Shape: []int{3, 7}, F32: x[14:]}, safetensors.Tensor{Name: "y", Shape: []int{3}, I32: y[2:]}))
	x0, x1 := put(t, dir, "x-0.npy", npyOf("<f4", "(4, 7)", raw(x[:28]))), put(t, dir, "x-1.npy", npyOf("<f4", "(1, 7)", raw(x[28:])))
	labels := put(t, dir, "labels.npy", npyOf("<i4", "(5,)", raw(y)))
	for name, args := range map[string][]string{"one file": {whole}, "shards": {a, b}, "arrays": {x0, x1, "y=" + labels}, "arrays, labels first": {"y=" + labels, "x=" + x0, x1}} {
		d, err := open(t, args, Options{}).Dataset()
		if err != nil {
			t.Fatal(err)
		}
		if d.Root() != memory.Root() {
			t.Errorf("%s: root %v, one file has %v", name, d.Root(), memory.Root())
		}
		got, want := kernels.Buf{F: make([]float32, 14)}, kernels.Buf{I: make([]int32, 2)}
		if err := d.Fill([]kernels.Buf{got, want}, []int64{4, 1}); err != nil || got.F[0] != 3.5 || got.F[7] != 7.0/8 || want.I[0] != 0 || want.I[1] != 3 {
			t.Errorf("%s: %v %v, %v", name, got.F, want.I, err)
		}
	}
	swapped := open(t, []string{b, a}, Options{})
	if swapped.Root() == memory.Root() {
		t.Error("shards in another order are the same data set")
	}
}

func TestAFolderIsItsFilesInTheOrderOfTheirNames(t *testing.T) {
	dir := t.TempDir()
	o := Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 4, Stride: 4}}
	b, a := put(t, dir, "b.bin", shorts(9)), put(t, dir, "a.bin", shorts(14)[10:])
	put(t, dir, "README.md", nil)
	if got, want := open(t, []string{dir}, o).Root(), open(t, []string{a, b}, o).Root(); got != want {
		t.Errorf("%v, want %v", got, want)
	}
	if _, err := Open([]string{t.TempDir()}, o); fault.Of(err) != fault.Missing {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestWindowsOfTokensBeginEachStrideAndNoneReachesIntoTheNextFile(t *testing.T) {
	dir := t.TempDir()
	header := make([]byte, 1024)
	for _, stride := range []uint64{1, 3, 4, 7} {
		o := Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 4, Stride: stride}, Skip: 1024}
		a := put(t, dir, "a.bin", append(header, shorts(21)...))
		b := put(t, dir, "b.bin", append(header, shorts(6)[2:]...)) // one window: 1 to 5
		d, err := open(t, []string{a, b}, o).Dataset()
		if err != nil {
			t.Fatal(err)
		}
		inA := (21-5)/int(stride) + 1
		if d.Samples() != inA+1 {
			t.Errorf("stride %d: %d samples, want %d", stride, d.Samples(), inA+1)
		}
		for i := range d.Samples() {
			x, y := kernels.Buf{I: make([]int32, 4)}, kernels.Buf{I: make([]int32, 4)}
			if err := d.Fill([]kernels.Buf{x, y}, []int64{int64(i)}); err != nil {
				t.Fatal(err)
			}
			first := int32(i) * int32(stride)
			if i == inA {
				first = 1
			}
			for k := range int32(4) {
				if x.I[k] != first+k || y.I[k] != first+k+1 {
					t.Fatalf("stride %d, sample %d: x %v, y %v", stride, i, x.I, y.I)
				}
			}
		}
	}
}

func TestImagesAreNormalisedWithEveryRoundingOfTheSpecification(t *testing.T) {
	dir := t.TempDir()
	pixels := []byte{0, 1, 255, 128, 7, 9, 11, 13}
	args := []string{put(t, dir, "x.npy", npyOf("|u1", "(2, 2, 2)", pixels)), put(t, dir, "y.npy", npyOf("|u1", "(2,)", []byte{3, 0}))}
	s := Scale{Scale: []float32{1.0 / 255, 0.1}, Offset: []float32{-0.5, 3}}
	d, err := open(t, args, Options{Scales: map[string]Scale{"x": s}}).Dataset()
	if err != nil {
		t.Fatal(err)
	}
	x, y := kernels.Buf{F: make([]float32, 8)}, kernels.Buf{I: make([]int32, 2)}
	if err := d.Fill([]kernels.Buf{x, y}, []int64{0, 1}); err != nil {
		t.Fatal(err)
	}
	for i, v := range pixels {
		c := i / 2 % 2
		product := math.Float32frombits(math.Float32bits(float32(v) * s.Scale[c]))
		if want := product + s.Offset[c]; x.F[i] != want {
			t.Errorf("pixel %d: %v, want %v", i, x.F[i], want)
		}
	}
	if y.I[0] != 3 || y.I[1] != 0 {
		t.Errorf("labels %v", y.I)
	}
	other := s
	other.Offset = []float32{-0.5, math.Nextafter32(3, 4)}
	if a, b := open(t, args, Options{Scales: map[string]Scale{"x": s}}).Root(), open(t, args, Options{Scales: map[string]Scale{"x": other}}).Root(); a == b {
		t.Error("the root does not commit to the normalisation")
	}
}

func TestAnIndexIsTheCommitmentInAFile(t *testing.T) {
	dir := t.TempDir()
	o := Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 3, Stride: 1}}
	path := put(t, dir, "train.bin", shorts(5000))
	whole := open(t, []string{path}, o)
	index := filepath.Join(dir, "train.bin"+IndexEnding)
	f, err := Open([]string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.WriteIndex(context.Background(), index, nil); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteIndex(context.Background(), index, nil); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("written twice: %v", err)
	}
	if err := f.TakeIndex(index); err != nil {
		t.Fatal(err)
	}
	if f.Root() != whole.Root() {
		t.Errorf("%v, want %v", f.Root(), whole.Root())
	}
	d, err := f.Dataset()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []uint64{0, 1023, 1024, 4996} {
		leaf, err := f.Leaf(i)
		if err != nil {
			t.Fatal(err)
		}
		proof, err := d.AppendProof(nil, i)
		if err != nil {
			t.Fatal(err)
		}
		if err := merkle.Verify(d.Root(), 4997, i, leaf, proof); err != nil {
			t.Errorf("sample %d: %v", i, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestADamagedOrStrangeIndexIsRefused(t *testing.T) {
	dir := t.TempDir()
	o := Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 3, Stride: 3}}
	path, index := put(t, dir, "a.bin", shorts(100)), filepath.Join(dir, "a.index")
	f := open(t, []string{path}, o)
	if err := f.WriteIndex(context.Background(), index, nil); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(index)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(at int) []byte {
		b := bytes.Clone(good)
		b[at] ^= 1
		return b
	}
	for name, c := range map[string]struct {
		data  []byte
		words string
		class fault.Class
	}{
		"empty":           {nil, "truncated", fault.BadLength},
		"half":            {good[:len(good)/2], "", fault.BadLength},
		"longer":          {append(bytes.Clone(good), 0), "its header says", fault.BadLength},
		"another file":    {shorts(100), "no index", fault.BadForm},
		"a long header":   {append([]byte(indexMagic), 0, 0, 0, 9), "the limit is", fault.TooLarge},
		"a hash":          {changed(len(good) - 5), "its hashes have the root", fault.WrongDigest},
		"the root":        {bytes.Replace(good, []byte(f.Root().String()[:8]), []byte("00000000"), 1), "its hashes have the root", fault.WrongDigest},
		"another stride":  {bytes.Replace(good, []byte(`"stride":3`), []byte(`"stride":2`), 1), "another data set", fault.WrongType},
		"of another file": {bytes.Replace(good, []byte(`"bytes":200`), []byte(`"bytes":202`), 1), "for file 0", fault.WrongType},
	} {
		if err := f.TakeIndex(put(t, dir, "bad.index", c.data)); err == nil || !strings.Contains(err.Error(), c.words) || fault.Of(err) != c.class {
			t.Errorf("%s: %v of class %s", name, err, fault.Of(err))
		}
	}
}

// TestWhatChangesWhileItIsReadIsFound, by what the file system says, and by the hash of the sample.
func TestWhatChangesWhileItIsReadIsFound(t *testing.T) {
	o := Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 3, Stride: 3}}
	for name, c := range map[string]struct {
		change func(path string) error
		words  string
	}{
		"cut":        {func(path string) error { return os.Truncate(path, 50) }, "it ends before byte"},
		"longer":     {func(path string) error { return os.Truncate(path, 300) }, "300 bytes, and 200 when it was opened"},
		"touched":    {func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 0)) }, "it was written to"},
		"gone":       {os.Remove, "and is gone"},
		"put in":     {func(path string) error { return swap(path, shorts(100)) }, "another file was put in its place"},
		"all at one": {func(path string) error { return os.Truncate(path, 0) }, "it ends before byte"},
	} {
		dir := t.TempDir()
		path := put(t, dir, "a.bin", shorts(100))
		f, err := Open([]string{path}, o)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := c.change(path); err != nil {
			t.Fatal(err)
		}
		index := filepath.Join(dir, "a.index")
		if err := f.WriteIndex(context.Background(), index, nil); fault.Of(err) != fault.Altered || !strings.Contains(err.Error(), c.words) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := filepath.Glob(filepath.Join(dir, "*index*")); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v behind", name, left)
		}
	}
	path := put(t, t.TempDir(), "a.bin", shorts(100))
	f := open(t, []string{path}, o)
	d, err := f.Dataset()
	if err != nil {
		t.Fatal(err)
	}
	bad := shorts(100)
	bad[41] ^= 1 // of the token that ends sample 6
	if err := os.WriteFile(path, bad, 0o644); err != nil {
		t.Fatal(err)
	}
	layout := d.Layout()
	batch, hasher := layout.Batch(1), layout.Hasher()
	for i := range int64(d.Samples()) {
		if err := d.Read(batch, []int64{i}); err != nil {
			t.Fatal(err)
		}
		err := d.Check([]merkle.Hash{hasher.Leaf(batch, 0)}, []int64{i})
		if found := err != nil; found != (i == 6) || found && (fault.Of(err) != fault.WrongDigest || !strings.HasPrefix(err.Error(), path+": sample 6: hash ")) {
			t.Errorf("sample %d: %v", i, err)
		}
	}
}

// swap puts another file in a file's place.
func swap(path string, data []byte) error {
	if err := os.WriteFile(path+"~", data, 0o644); err != nil {
		return err
	}
	return os.Rename(path+"~", path)
}

func TestFilesThatAreNoDataSetAreRefused(t *testing.T) {
	dir := t.TempDir()
	file := func(name string, data []byte) string { return put(t, dir, name, data) }
	x := file("x.npy", npyOf("|u1", "(2, 3)", make([]byte, 6)))
	y := file("y.npy", npyOf("|u1", "(2,)", make([]byte, 2)))
	stream := file("s.bin", shorts(10))
	tokens := Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 4, Stride: 4}}
	wide := Options{Tokens: &job.Tokens{DType: safetensors.I32, Context: 1, Stride: 1}}
	fortran := bytes.Replace(npyOf("|u1", "(2, 3)", make([]byte, 6)), []byte("False"), []byte("True "), 1)
	for words, c := range map[string]struct {
		args []string
		o    Options
	}{
		"no file was named":           {nil, Options{}},
		"no such file":                {[]string{filepath.Join(dir, "none.npy")}, Options{}},
		"--context says":              {[]string{stream}, Options{}},
		"verifyd data pack":           {[]string{file("a.parquet", nil)}, Options{}},
		"and y are needed":            {[]string{x}, Options{}},
		"x=":                          {[]string{file("train.npy", npyOf("|u1", "(2,)", make([]byte, 2)))}, Options{}},
		"in Fortran order":            {[]string{file("x-f.npy", fortran), y}, Options{}},
		"big-endian":                  {[]string{file("x-b.npy", npyOf(">u2", "(2,)", shorts(2))), y}, Options{}},
		`elements of "<f8"`:           {[]string{file("x-d.npy", npyOf("<f8", "(2,)", make([]byte, 16))), y}, Options{}},
		"its header says":             {[]string{file("x-t.npy", npyOf("|u1", "(2, 3)", make([]byte, 5))), y}, Options{}},
		"overflows":                   {[]string{file("x-h.npy", npyOf("|u1", "(9223372036854775807,)", nil)), y}, Options{}},
		"none of a data set":          {[]string{file("x-o.npy", npyOf("<f4", "(4294967296, 4294967296)", nil)), y}, Options{}},
		"shape: [0]":                  {[]string{file("x-0.npy", npyOf("|u1", "(0,)", nil)), y}, Options{}},
		`tensor "x" has 2 rows and`:   {[]string{x, file("y-3.npy", npyOf("|u1", "(3,)", make([]byte, 3)))}, Options{}},
		"the files before have":       {[]string{x, y, file("x-2.npy", npyOf("|u1", "(2, 4)", make([]byte, 8)))}, Options{}},
		"dtype: \"I64\"":              {[]string{file("w.safetensors", tensorFile(t, safetensors.Tensor{Name: "x", Shape: []int{1}, I64: []int64{1}}, safetensors.Tensor{Name: "y", Shape: []int{1}, I32: []int32{1}}))}, Options{}},
		"is in no file":               {[]string{x, y}, Options{Scales: map[string]Scale{"z": {[]float32{1}, []float32{0}}}}},
		"scale: 2, 1 or one for each": {[]string{x, y}, Options{Scales: map[string]Scale{"x": {[]float32{1, 1}, []float32{0, 0}}}}},
		"is not finite":               {[]string{x, y}, Options{Scales: map[string]Scale{"x": {[]float32{float32(math.NaN())}, []float32{0}}}}},
		"no multiple of 2":            {[]string{file("odd.bin", make([]byte, 21))}, tokens},
		"4 tokens, a window has 5":    {[]string{file("short.bin", shorts(4))}, tokens},
		"to be passed over":           {[]string{stream}, Options{Tokens: tokens.Tokens, Skip: 21}},
		"tokens.context":              {[]string{stream}, Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 1 << 40, Stride: 1}}},
		"tokens.stride":               {[]string{stream}, Options{Tokens: &job.Tokens{DType: safetensors.U16, Context: 1}}},
		"tokens are one dimension":    {[]string{x}, tokens},
		"a token of 2^31 or more":     {[]string{file("neg.bin", []byte{0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0})}, wide},
	} {
		f, err := Open(c.args, c.o)
		if err == nil {
			err = f.Commit(context.Background(), nil)
			f.Close()
		}
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}

func FuzzIndex(f *testing.F) {
	head, err := Index{Data: job.Data{Samples: 2, Layout: job.Layout{Tokens: &job.Tokens{DType: safetensors.U16, Context: 1, Stride: 1}}}, Files: []IndexFile{{"a.bin", 6, 0}}}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(head, make([]byte, 64)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		x, at, err := parseIndex(bytes.NewReader(data), "a.index")
		if err != nil {
			return
		}
		again, err := x.encode()
		if err != nil || at != int64(len(again)) || !bytes.Equal(again, data[:at]) {
			t.Errorf("%d bytes were read, and are written as %d: %v", at, len(again), err)
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, s := range []string{"x=a.npy", "x/a=b", "y=", "z=a", "a", "x/../b=c", "=x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		n := split(arg)
		if n.tensor == "" && n.path != arg || n.tensor != "" && n.tensor+"="+n.path != arg {
			t.Errorf("%q became %+v", arg, n)
		}
	})
}
