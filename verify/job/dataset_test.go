package job

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/internal/little"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

var update = flag.Bool("update", false, "write testdata/layouts.txt anew")

func small(t testing.TB) *Dataset {
	t.Helper()
	d, err := NewDataset(
		program.TensorSpec{Shape: []int{3, 2}}, kernels.Buf{F: []float32{1, 2, 3, 4, 5, 6}},
		program.TensorSpec{Kind: kernels.I32, Shape: []int{3}}, kernels.Buf{I: []int32{7, 8, 9}})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestASamplesLeafIsTheHashOfItsRecord(t *testing.T) {
	d := small(t)
	layout := []byte("verifyd-layout/1\x00")
	layout = append(layout, "\x01\x00x\x00\x01\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"...) // x, F32, a dimension of 2, no scale
	layout = append(layout, "\x01\x00y\x01\x00\x00\x00\x00\x00"...)                                 // y, I32, no dimension, no scale
	digest := sha256.Sum256(layout)
	var leaves []merkle.Hash
	for i := range 3 {
		record := digest[:]
		for _, v := range []float32{float32(2*i + 1), float32(2*i + 2)} {
			record = binary.LittleEndian.AppendUint32(record, math.Float32bits(v))
		}
		record = binary.LittleEndian.AppendUint32(record, uint32(7+i))
		leaves = append(leaves, merkle.LeafHash(record))
	}
	if got := d.Root(); got != merkle.Root(leaves) {
		t.Errorf("%v, want %v", got, merkle.Root(leaves))
	}
}

func TestFillCopiesTheRowsOfItsSamples(t *testing.T) {
	d := small(t)
	x, y := kernels.Buf{F: make([]float32, 4)}, kernels.Buf{I: make([]int32, 2)}
	if err := d.Fill([]kernels.Buf{x, y}, []int64{2, 0}); err != nil {
		t.Fatal(err)
	}
	if x.F[0] != 5 || x.F[1] != 6 || x.F[2] != 1 || y.I[0] != 9 || y.I[1] != 7 {
		t.Errorf("%v %v", x, y)
	}
	if d.Fill([]kernels.Buf{x, y}, []int64{3, 0}) == nil || d.Fill([]kernels.Buf{x, y}, []int64{-1, 0}) == nil || d.Fill([]kernels.Buf{x, y}, []int64{0}) == nil {
		t.Error("samples outside the data, or rows outside the buffers")
	}
}

func TestDataFilesAreReadStrictly(t *testing.T) {
	x := safetensors.Tensor{Name: "x", Shape: []int{2, 2}, F32: []float32{1, 2, 3, 4}}
	y := safetensors.Tensor{Name: "y", Shape: []int{2}, I32: []int32{0, 1}}
	for name, c := range map[string]struct {
		tensors []safetensors.Tensor
		words   string
	}{
		"right":       {[]safetensors.Tensor{x, y}, ""},
		"two inputs":  {[]safetensors.Tensor{y, {Name: "x/b", Shape: []int{2}, I32: []int32{1, 2}}, {Name: "x/a", Shape: []int{2}, F32: []float32{3, 4}}}, ""},
		"x and x/a":   {[]safetensors.Tensor{x, {Name: "x/a", Shape: []int{2}, F32: []float32{3, 4}}, y}, `inputs must be "x/NAME"`},
		"x/a alone":   {[]safetensors.Tensor{{Name: "x/a", Shape: []int{2}, F32: []float32{3, 4}}, y}, `an only input must be "x"`},
		"another":     {[]safetensors.Tensor{{Name: "a", Shape: []int{2}, F32: []float32{3, 4}}, {Name: "x/a", Shape: []int{2}, F32: []float32{3, 4}}, y}, `inputs must be "x/NAME"`},
		"no labels":   {[]safetensors.Tensor{x}, `tensor "y" is missing`},
		"too many":    {[]safetensors.Tensor{x, y, {Name: "z", Shape: []int{1}, U8: []byte{1}}}, "3 tensors"},
		"wide labels": {[]safetensors.Tensor{x, {Name: "y", Shape: []int{2}, I64: []int64{0, 1}}}, `tensor "y": dtype: "I64"`},
		"scalar":      {[]safetensors.Tensor{x, {Name: "y", Shape: []int{}, I32: []int32{1}}}, "no dimension"},
		"rows differ": {[]safetensors.Tensor{x, {Name: "y", Shape: []int{1}, I32: []int32{1}}}, "2 rows"},
	} {
		path := filepath.Join(t.TempDir(), "data.safetensors")
		var buf bytes.Buffer
		if err := safetensors.Write(&buf, nil, c.tensors); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, buf.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		d, err := ReadDataset(path, 1000)
		if c.words == "" {
			if err != nil || d.Samples() != 2 {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), path) || !strings.Contains(err.Error(), c.words) || fault.Of(err) != fault.WrongType {
			t.Errorf("%s: %v of class %s", name, err, fault.Of(err))
		}
	}
}

// layouts are layouts that differ from the first in one thing each.
func layouts() []Layout {
	first := func() Layout {
		return Layout{Tensors: []Stored{
			{Name: "x", DType: safetensors.U8, Shape: []int{3, 2}, Scale: []float32{0.5}, Offset: []float32{1}}, {Name: "y", DType: safetensors.I32, Shape: []int{}},
		}}
	}
	all := []Layout{first()}
	for _, change := range []func(l *Layout){
		func(l *Layout) { l.Tensors[0].DType = safetensors.U16 },
		func(l *Layout) { l.Tensors[0].Shape = []int{2, 3} },
		func(l *Layout) { l.Tensors[0].Shape = []int{6} },
		func(l *Layout) { l.Tensors[0].Scale[0] = 0.25 },
		func(l *Layout) { l.Tensors[0].Offset[0] = 0 },
		func(l *Layout) { l.Tensors[0].Scale, l.Tensors[0].Offset = nil, nil },
		func(l *Layout) {
			l.Tensors[0].Scale, l.Tensors[0].Offset = []float32{0.5, 0.5, 0.5}, []float32{1, 1, 1}
		},
		func(l *Layout) { l.Tensors[1].DType = safetensors.U16 },
		func(l *Layout) {
			l.Tensors[0].Name = "x/a"
			l.Tensors = append([]Stored{l.Tensors[0]}, l.Tensors...)
			l.Tensors[1].Name = "x/b"
		},
		func(l *Layout) { *l = Layout{Tokens: &Tokens{safetensors.U16, 7, 7}} },
		func(l *Layout) { *l = Layout{Tokens: &Tokens{safetensors.U16, 7, 6}} },
		func(l *Layout) { *l = Layout{Tokens: &Tokens{safetensors.U16, 6, 7}} },
		func(l *Layout) { *l = Layout{Tokens: &Tokens{safetensors.I32, 7, 7}} },
	} {
		l := first()
		change(&l)
		all = append(all, l)
	}
	return all
}

func TestADataRootCommitsToTheLayout(t *testing.T) {
	digests := map[merkle.Hash]int{}
	for i, l := range layouts() {
		if err := l.Check(); err != nil {
			t.Errorf("layout %d: %v", i, err)
		}
		if before, seen := digests[l.digest()]; seen {
			t.Errorf("layouts %d and %d have one digest", before, i)
		}
		digests[l.digest()] = i
	}
}

// TestTheVectorsOfLayoutsHold: what a second implementation computes, by the specification alone.
func TestTheVectorsOfLayoutsHold(t *testing.T) {
	var text strings.Builder
	for _, l := range layouts() {
		document, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		// Three samples whose stored bytes count up.
		batch, next := l.Batch(3), byte(0)
		for _, b := range batch {
			for i := range b {
				b[i] = next
				next++
			}
		}
		if l.Tokens != nil && l.Tokens.DType == safetensors.I32 {
			for i := 3; i < len(batch[0]); i += 4 {
				batch[0][i] = 0
			}
		}
		d, err := NewStored(l, batch)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&text, "layout %s\ndigest %v\n", document, l.digest())
		for _, b := range batch {
			fmt.Fprintf(&text, "stored %x\n", b)
		}
		rows := make([]kernels.Buf, 0, 3)
		for _, spec := range l.Reads() {
			spec.Shape = append([]int{3}, spec.Shape...)
			rows = append(rows, spec.Buf())
		}
		if err := d.Fill(rows, []int64{0, 1, 2}); err != nil {
			t.Fatal(err)
		}
		for i, spec := range l.Reads() {
			fmt.Fprintf(&text, "read %s %x\n", spec.Name, little.Append(little.Append(nil, rows[i].F), rows[i].I))
		}
		fmt.Fprintf(&text, "root %v\n\n", d.Root())
	}
	want, err := os.ReadFile("testdata/layouts.txt")
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile("testdata/layouts.txt", []byte(text.String()), 0o644)); err != nil {
			t.Fatal(err)
		}
	} else if err != nil || string(want) != text.String() {
		t.Errorf("testdata/layouts.txt differs from what is computed: %v", err)
	}
}

func TestLayoutsThatNobodyCanKeepAreRefused(t *testing.T) {
	small := Stored{Name: "x", DType: safetensors.U8, Shape: []int{3, 2}}
	y := Stored{Name: "y", DType: safetensors.I32, Shape: []int{}}
	with := func(change func(s *Stored)) Layout {
		s := small
		change(&s)
		return Layout{Tensors: []Stored{s, y}}
	}
	for words, l := range map[string]Layout{
		"tensors: 0, 2 to 65":           {},
		"tensors: 1, 2 to 65":           {Tensors: []Stored{y}},
		"beside tensors":                {Tensors: []Stored{small, y}, Tokens: &Tokens{safetensors.U16, 1, 1}},
		"tokens.dtype":                  {Tokens: &Tokens{safetensors.U8, 1, 1}},
		"tokens.context: 0 is outside":  {Tokens: &Tokens{safetensors.U16, 0, 1}},
		"tokens.context: 268435456":     {Tokens: &Tokens{safetensors.U16, MaxRow / 4, 1}},
		"tokens.stride: 0 is outside":   {Tokens: &Tokens{safetensors.U16, 1, 0}},
		"tokens.stride: 4294967297":     {Tokens: &Tokens{safetensors.U16, 1, MaxWindows + 1}},
		`tensor "x": dtype: "F64"`:      with(func(s *Stored) { s.DType = "F64" }),
		`tensor "x": shape: [3 0]`:      with(func(s *Stored) { s.Shape = []int{3, 0} }),
		"shape: [1073741824 2]":         with(func(s *Stored) { s.Shape = []int{1 << 30, 2} }),
		"shape: null":                   with(func(s *Stored) { s.Shape = nil }),
		"8 dimensions":                  with(func(s *Stored) { s.Shape = []int{1, 1, 1, 1, 1, 1, 1, 1} }),
		"scale: 1, and 0 offsets":       with(func(s *Stored) { s.Scale = []float32{1} }),
		"scale: 2, 1 or one for each":   with(func(s *Stored) { s.Scale, s.Offset = []float32{1, 1}, []float32{1, 1} }),
		"is not finite":                 with(func(s *Stored) { s.Scale, s.Offset = []float32{float32(math.Inf(1))}, []float32{1} }),
		"scale: of F32":                 with(func(s *Stored) { s.DType, s.Scale, s.Offset = safetensors.F32, []float32{1}, []float32{1} }),
		"an only input must be":         {Tensors: []Stored{{Name: "x/a", DType: safetensors.U8, Shape: []int{}}, y}},
		`the last one must be "y"`:      {Tensors: []Stored{small, small}},
		"a sample of 1073741828 bytes":  {Tensors: []Stored{{Name: "x", DType: safetensors.U8, Shape: []int{1 << 30}}, y}},
		"each once, in ascending order": {Tensors: []Stored{{Name: "x/b", DType: safetensors.U8, Shape: []int{}}, {Name: "x/b", DType: safetensors.U8, Shape: []int{}}, y}},
	} {
		if err := l.Check(); err == nil || !strings.Contains(err.Error(), words) || fault.Of(err) != fault.WrongType {
			t.Errorf("%s: %v", words, err)
		}
	}
}
