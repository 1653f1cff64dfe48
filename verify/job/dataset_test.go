package job

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

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
