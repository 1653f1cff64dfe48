package slices

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zeebo/blake3"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
)

func TestASliceOpensToBLAKE3OfItsPieceAtEverySize(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, size := range []int{4, 1020, 1024, 1028, 2048, 3 * 1024, 5*1024 + 4, 8 * 1024, 15*1024 + 8, 1023 * 1024, 1 << 20} {
		piece := make([]byte, size)
		for i := range piece {
			piece[i] = byte(random.Uint32())
		}
		want := merkle.Hash(blake3.Sum256(piece))
		chunks := uint64(size+chunkBytes-1) / chunkBytes
		for _, i := range []uint64{0, chunks / 3, chunks / 2, chunks - 1} {
			path := appendPath(nil, piece, i)
			if len(path) != merkle.Size*merkle.ProofLen(i, chunks) {
				t.Fatalf("%d bytes, chunk %d: path of %d bytes", size, i, len(path))
			}
			content := piece[i*chunkBytes : min((i+1)*chunkBytes, uint64(size))]
			if got := pieceHash(content, i, chunks, path); got != want {
				t.Errorf("%d bytes, chunk %d: %v, BLAKE3 is %v", size, i, got, want)
			}
		}
	}
}

// run is a drawn training of some boundaries.
type run struct {
	layout *state.Layout
	states [][][]float32
	roots  []merkle.Hash
	places []Place
	file   []byte
}

func newRun(t testing.TB, seed uint64, boundaries int, shapes ...int) *run {
	random := rand.New(rand.NewPCG(seed, 7))
	var specs []program.TensorSpec
	for i, n := range shapes {
		specs = append(specs, program.TensorSpec{Name: fmt.Sprintf("t%d", i), Kind: kernels.F32, Shape: []int{n}})
	}
	layout, err := state.NewLayout(state.State, specs)
	if err != nil {
		t.Fatal(err)
	}
	r := &run{layout: layout}
	hasher := state.NewHasher(layout, 1)
	r.places = Draw(merkle.Hash{byte(seed)}, layout, uint64(boundaries), math.MaxUint64)
	var file bytes.Buffer
	w, err := NewWriter(&file, layout, r.places)
	if err != nil {
		t.Fatal(err)
	}
	for b := range boundaries {
		var tensors [][]float32
		for _, n := range shapes {
			x := make([]float32, n)
			for i := range x {
				x[i] = float32(random.NormFloat64())
			}
			tensors = append(tensors, x)
		}
		counters := state.Counters{Step: uint64(b), Assignment: merkle.Hash{9}}
		digests := slices.Clone(hasher.Digests(tensors))
		if err := w.Boundary(counters, digests, tensors); err != nil {
			t.Fatal(err)
		}
		r.states, r.roots = append(r.states, tensors), append(r.roots, layout.Root(counters, digests))
	}
	r.file = file.Bytes()
	return r
}

// read reads a file against the run's roots.
func (r *run) read(file []byte) ([][][]float32, error) {
	in, err := NewReader(bytes.NewReader(file), "slices.bin", r.layout, r.places)
	if err != nil {
		return nil, err
	}
	var all [][][]float32
	for _, root := range r.roots {
		values, err := in.Next(root)
		if err != nil {
			return nil, err
		}
		var kept [][]float32
		for _, v := range values {
			kept = append(kept, slices.Clone(v))
		}
		all = append(all, kept)
	}
	return all, in.Close()
}

// Shapes with one element, a chunk and one over, two pieces, and a last chunk that is short.
var shapes = []int{1, 256, 257, 1<<18 + 300, 70_000}

func TestWhatIsReadIsWhatTheStatesHold(t *testing.T) {
	for seed := range uint64(8) {
		r := newRun(t, seed, 3, shapes...)
		if want := Size(r.layout, r.places, 3); want != uint64(len(r.file)) {
			t.Fatalf("%d bytes, Size says %d", len(r.file), want)
		}
		all, err := r.read(r.file)
		if err != nil {
			t.Fatal(err)
		}
		for b, values := range all {
			for i, p := range r.places {
				first := int(p.Chunk) * chunkBytes / 4
				if want := r.states[b][p.Tensor][first:]; !slices.Equal(values[i], want[:len(values[i])]) {
					t.Fatalf("seed %d: boundary %d, tensor %d", seed, b, p.Tensor)
				}
			}
		}
	}
}

func TestNoByteOfSlicesCanBeAltered(t *testing.T) {
	r := newRun(t, 3, 2, 1, 257, 3000)
	for at := range r.file {
		altered := bytes.Clone(r.file)
		altered[at] ^= 1 << (at % 8)
		if _, err := r.read(altered); fault.Of(err) == "" {
			t.Fatalf("byte %d altered: %v", at, err)
		}
	}
	for n := range r.file {
		if _, err := r.read(r.file[:n]); fault.Of(err) != fault.BadLength {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if _, err := r.read(append(bytes.Clone(r.file), 0)); fault.Of(err) != fault.BadLength {
		t.Fatalf("a byte more: %v", err)
	}
}

func TestASliceOfAnotherBoundaryOrTensorDoesNotOpen(t *testing.T) {
	r := newRun(t, 4, 2, 300, 300)
	body := r.file[len(magic):]
	half := len(body) / 2
	swapped := slices.Concat(r.file[:len(magic)], body[half:], body[:half])
	if _, err := r.read(swapped); !errors.Is(err, merkle.ErrProof) {
		t.Errorf("boundaries swapped: %v", err)
	}
	g := geometryOf(r.layout, r.places[0])
	tensors := slices.Concat(r.file[:len(magic)], body[g.size():half], body[:g.size()], body[half:])
	if _, err := r.read(tensors); fault.Of(err) == "" {
		t.Errorf("tensors swapped: %v", err)
	}
}

func TestNotANumberIsSlicedAsItIsHashed(t *testing.T) {
	layout, err := state.NewLayout(state.State, []program.TensorSpec{{Name: "w", Kind: kernels.F32, Shape: []int{2}}})
	if err != nil {
		t.Fatal(err)
	}
	tensors := [][]float32{{math.Float32frombits(0xffc12345), 1}}
	root := state.NewHasher(layout, 1)
	digests := slices.Clone(root.Digests(tensors))
	var file bytes.Buffer
	places := []Place{{0, 0}}
	w, err := NewWriter(&file, layout, places)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Boundary(state.Counters{}, digests, tensors); err != nil {
		t.Fatal(err)
	}
	in, err := NewReader(&file, "slices.bin", layout, places)
	if err != nil {
		t.Fatal(err)
	}
	values, err := in.Next(layout.Root(state.Counters{}, digests))
	if err != nil {
		t.Fatal(err)
	}
	if got := math.Float32bits(values[0][0]); got != canonicalNaN {
		t.Errorf("%#x", got)
	}
}

func TestPlacesAreUniformAndKeepToTheLimit(t *testing.T) {
	const tensors, rounds = 6, 3000
	var specs []program.TensorSpec
	for i := range tensors {
		specs = append(specs, program.TensorSpec{Name: fmt.Sprint(i), Kind: kernels.F32, Shape: []int{1000}})
	}
	layout, err := state.NewLayout(state.State, specs)
	if err != nil {
		t.Fatal(err)
	}
	g := geometryOf(layout, Place{0, 0})
	var drawn [tensors]int
	var chunks [4]int
	for i := range uint64(rounds) {
		var seed merkle.Hash
		binary.LittleEndian.PutUint64(seed[:], i)
		places := Draw(seed, layout, 10, uint64(2*10*g.size()))
		if len(places) < 2 || !slices.IsSortedFunc(places, func(a, b Place) int { return a.Tensor - b.Tensor }) {
			t.Fatalf("seed %d: %v", i, places)
		}
		if size := Size(layout, places, 10); size > uint64(2*10*g.size()+len(magic)) {
			t.Fatalf("seed %d: %d bytes", i, size)
		}
		drawn[places[0].Tensor]++
		for _, p := range places {
			chunks[p.Chunk]++
		}
	}
	for c, n := range chunks { // of 2 or 3 places each, uniform over 4 chunks
		if total := chunks[0] + chunks[1] + chunks[2] + chunks[3]; math.Abs(float64(n)-float64(total)/4) > 5*math.Sqrt(float64(total)*3/16) {
			t.Errorf("chunk %d: %d of %d", c, n, total)
		}
	}
	if places := Draw(merkle.Hash{}, layout, 1000, 0); len(places) != 1 {
		t.Errorf("without room %d places, one is always drawn", len(places))
	}
}

func FuzzReader(f *testing.F) {
	r := newRun(f, 5, 2, 3, 300)
	f.Add(r.file)
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := r.read(file); err == nil && !bytes.Equal(file, r.file) {
			t.Error("another file opens to the same roots")
		} else if err != nil && fault.Of(err) == "" {
			t.Errorf("no class: %v", err)
		}
	})
}
