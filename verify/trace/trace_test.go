package trace

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
)

func shape(t testing.TB) Shape {
	t.Helper()
	params := []program.TensorSpec{{Name: "w", Shape: []int{2, 3}}, {Name: "b", Shape: []int{2}}}
	tensors := []program.TensorSpec{{Name: "param/w", Shape: []int{2, 3}}, {Name: "param/b", Shape: []int{2}}}
	s, err := state.NewLayout(state.State, tensors)
	if err != nil {
		t.Fatal(err)
	}
	g, err := state.NewLayout(state.Gradient, params)
	if err != nil {
		t.Fatal(err)
	}
	return Shape{Steps: 5, Stride: 2, State: s, Gradient: g}
}

var bound = Bound{Job: merkle.Hash{1}, Assignment: merkle.Hash{2}}

func step(t uint64) *Step {
	h := func(n byte) merkle.Hash { return merkle.Hash{byte(t), n} }
	return &Step{
		Leaf: Leaf{Step: t, State: h(1), Batch: h(2), Gradient: h(3), Next: h(4),
			Clip: math.Float32bits(1), Loss: math.Float32bits(float32(t) + 0.5)},
		Gradients: []merkle.Hash{h(5), h(6)},
		Next:      []merkle.Hash{h(7), h(8)},
	}
}

func snapshot(t uint64) (state.Counters, [][]float32) {
	return state.Counters{Step: t}, [][]float32{{1, 2, 3, 4, 5, float32(t)}, {6, 7}}
}

// record writes a whole trace.
func record(t testing.TB) (dir string, s Summary) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "trace")
	w, err := Create(dir, shape(t), bound)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(5) {
		if i%2 == 0 {
			c, x := snapshot(i)
			if err := w.Snapshot(c, x); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Append(step(i)); err != nil {
			t.Fatal(err)
		}
	}
	if s, err = w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, s
}

func TestATraceIsReadBackAsItWasWritten(t *testing.T) {
	dir, summary := record(t)
	r, err := Read(dir, shape(t))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var leaves []merkle.Hash
	for i := range uint64(5) {
		leaves = append(leaves, merkle.LeafHash(step(i).Leaf.Append(nil)))
	}
	want := Summary{Steps: 5, Root: merkle.Root(leaves), Final: step(4).Leaf.Next}
	if summary != want || r.Summary() != want {
		t.Errorf("%+v and %+v, want %+v", summary, r.Summary(), want)
	}
	file, err := io.ReadAll(r.Leaves())
	if err != nil || int64(len(file)) != LeavesSize(5) {
		t.Errorf("%d bytes, %v", len(file), err)
	}
	got, err := ReadLeaves(bytes.NewReader(file), 3, 2)
	if err != nil || got[0] != step(3).Leaf || got[1] != step(4).Leaf {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := ReadLeaves(bytes.NewReader(file), 4, 2); err == nil {
		t.Error("read past the last leaf")
	}
	gradients, next := make([]merkle.Hash, 2), make([]merkle.Hash, 2)
	for i := range uint64(5) {
		if err := r.Digests(i, gradients, next); err != nil {
			t.Fatal(err)
		}
		if s := step(i); gradients[1] != s.Gradients[1] || next[0] != s.Next[0] {
			t.Errorf("step %d: %v %v", i, gradients, next)
		}
	}
	_, x := snapshot(0)
	for segment := range uint64(3) {
		if c, err := r.Snapshot(segment, x); err != nil || c.Step != 2*segment || x[0][5] != float32(2*segment) {
			t.Errorf("snapshot %d: %+v %v %v", segment, c, x, err)
		}
	}
	if _, err := r.Snapshot(3, x); err == nil {
		t.Error("a snapshot of segment 3")
	}
}

func TestTheLeafIsFixedForAllTime(t *testing.T) {
	l := step(3).Leaf
	b := l.Append(nil)
	if len(b) != LeafSize || decodeLeaf(b) != l {
		t.Fatalf("%d bytes, %+v", len(b), decodeLeaf(b))
	}
	if binary.LittleEndian.Uint64(b) != 3 || b[8] != 3 || b[9] != 1 || b[41] != 2 || b[73] != 3 || b[105] != 4 {
		t.Errorf("%x", b)
	}
	if binary.LittleEndian.Uint32(b[136:]) != 0x3f800000 || binary.LittleEndian.Uint32(b[140:]) != 0x40600000 {
		t.Errorf("clip and loss: %x", b[136:])
	}
	if l.LossValue() != 3.5 || l.Hash() != merkle.LeafHash(b) {
		t.Error("value or hash")
	}
}

func TestAWriterKeepsItsOrder(t *testing.T) {
	w, err := Create(filepath.Join(t.TempDir(), "trace"), shape(t), bound)
	if err != nil {
		t.Fatal(err)
	}
	must := func(ok bool, what string, err error) {
		t.Helper()
		if (err == nil) != ok {
			t.Errorf("%s: %v", what, err)
		}
	}
	must(false, "a step before its snapshot", w.Append(step(0)))
	must(true, "the snapshot", w.Snapshot(snapshot(0)))
	must(false, "a second snapshot", w.Snapshot(snapshot(0)))
	must(true, "step 0", w.Append(step(0)))
	must(false, "a snapshot inside a segment", w.Snapshot(snapshot(1)))
	short := step(1)
	short.Next = short.Next[1:]
	must(false, "a missing digest", w.Append(short))
	must(true, "step 1", w.Append(step(1)))
	must(false, "a step before its snapshot", w.Append(step(2)))
	must(false, "a final state before the last step", w.Final(snapshot(2)))
	_, err = w.Close()
	must(false, "an unfinished trace", err)
	if _, err := Create(w.dir, shape(t), bound); err == nil {
		t.Error("a trace was overwritten")
	}
}

func TestBadLeafFilesAreRefusedByNameAndReason(t *testing.T) {
	dir, _ := record(t)
	good, err := os.ReadFile(filepath.Join(dir, LeavesFile))
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(b []byte) []byte) []byte { return change(bytes.Clone(good)) }
	for name, c := range map[string]struct {
		data  []byte
		words string
		class fault.Class
	}{
		"empty":            {nil, "header: the file is truncated", fault.BadLength},
		"truncated header": {good[:10], "header: the file is truncated", fault.BadLength},
		"other magic":      {with(func(b []byte) []byte { b[7] = '2'; return b }), "header: begins with", fault.BadForm},
		"other count":      {with(func(b []byte) []byte { b[8] = 4; return b }), "header: 4 leaves", fault.BadLength},
		"huge count":       {with(func(b []byte) []byte { b[15] = 0xff; return b }), "header: ", fault.BadLength},
		"truncated leaf":   {good[:len(good)-1], "leaf 4: the file is truncated", fault.BadLength},
		"missing leaf":     {good[:len(good)-LeafSize], "leaf 4: the file is truncated", fault.BadLength},
		"trailing byte":    {append(bytes.Clone(good), 0), "bytes follow leaf 4", fault.BadLength},
	} {
		if err := readAll(c.data); err == nil || !strings.HasPrefix(err.Error(), "leaves.bin: "+c.words) || fault.Of(err) != c.class {
			t.Errorf("%s: %v of class %s", name, err, fault.Of(err))
		}
	}
	if err := readAll(good); err != nil {
		t.Error(err)
	}
}

func readAll(data []byte) error {
	s, err := NewLeaves(bytes.NewReader(data), LeavesFile, 5)
	if err != nil {
		return err
	}
	for {
		if _, err := s.Next(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestAppendingAllocatesNothing(t *testing.T) {
	s := shape(t)
	s.Steps, s.Stride = 1000, 1000
	w, err := Create(filepath.Join(t.TempDir(), "trace"), s, bound)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Snapshot(snapshot(0)); err != nil {
		t.Fatal(err)
	}
	next := step(0)
	if n := testing.AllocsPerRun(500, func() {
		if err := w.Append(next); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzLeaves(f *testing.F) {
	dir, _ := record(f)
	good, err := os.ReadFile(filepath.Join(dir, LeavesFile))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:100])
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := readAll(data); err == nil && int64(len(data)) != LeavesSize(5) {
			t.Fatalf("%d bytes pass", len(data))
		}
	})
}
