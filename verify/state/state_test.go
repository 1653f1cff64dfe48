package state

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/zeebo/blake3"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
)

// fixture is a layout with a tensor of several chunks, and numbers to fill it.
func fixture(t testing.TB) (*Layout, [][]float32) {
	t.Helper()
	specs := []program.TensorSpec{
		{Name: "param/net.0.weight", Shape: []int{3, 5}},
		{Name: "param/net.0.bias", Shape: []int{3}},
		{Name: "opt/exp_avg/net.0.weight", Shape: []int{2, chunk + 7}},
	}
	l, err := NewLayout(State, specs)
	if err != nil {
		t.Fatal(err)
	}
	var tensors [][]float32
	for i, s := range specs {
		x := make([]float32, s.Len())
		for k := range x {
			x[k] = float32(k%1000-500) * float32(i+1) * 0.125
		}
		tensors = append(tensors, x)
	}
	return l, tensors
}

// plainRoot is the definition of a state's root, written out.
func plainRoot(l *Layout, c Counters, tensors [][]float32) merkle.Hash {
	var header []byte
	header = append(header, "verifyd-state/1"...)
	for _, v := range []uint64{c.Step, c.RNG, c.Cursor} {
		header = binary.LittleEndian.AppendUint64(header, v)
	}
	header = append(header, c.Assignment[:]...)
	header = binary.LittleEndian.AppendUint32(header, uint32(len(tensors)))
	leaves := []merkle.Hash{merkle.LeafHash(header)}
	for i, s := range l.specs {
		var content []byte
		for _, v := range tensors[i] {
			bits := math.Float32bits(v)
			if v != v {
				bits = 0x7fc00000
			}
			content = binary.LittleEndian.AppendUint32(content, bits)
		}
		var chunks []merkle.Hash
		for len(content) > 0 {
			n := min(len(content), 1<<20)
			sum := blake3.Sum256(content[:n])
			chunks = append(chunks, merkle.LeafHash(sum[:]))
			content = content[n:]
		}
		digest := merkle.Root(chunks)
		leaf := binary.LittleEndian.AppendUint16(nil, uint16(len(s.Name)))
		leaf = append(append(append(leaf, s.Name...), "F32"...), byte(len(s.Shape)))
		for _, d := range s.Shape {
			leaf = binary.LittleEndian.AppendUint64(leaf, uint64(d))
		}
		leaves = append(leaves, merkle.LeafHash(append(leaf, digest[:]...)))
	}
	return merkle.Root(leaves)
}

func TestTheRootIsTheOneThatTheDocumentationDefines(t *testing.T) {
	l, tensors := fixture(t)
	c := Counters{Step: 7, RNG: 14, Cursor: 1 << 40, Assignment: merkle.Hash{3, 31: 9}}
	want := plainRoot(l, c, tensors)
	for _, threads := range []int{1, 2, 8} {
		h := NewHasher(l, threads)
		for range 3 {
			if got := h.Root(c, tensors); got != want {
				t.Fatalf("%d threads: %v, want %v", threads, got, want)
			}
		}
		if !h.Finite() {
			t.Error("finite numbers flagged")
		}
	}
}

func TestTheRootIsFixedForAllTime(t *testing.T) {
	l, err := NewLayout(State, []program.TensorSpec{{Name: "param/w", Shape: []int{2, 2}}})
	if err != nil {
		t.Fatal(err)
	}
	got := NewHasher(l, 1).Root(Counters{1, 2, 3, merkle.Hash{4}}, [][]float32{{1, -2, 0.5, float32(math.Inf(1))}}).String()
	const want = "f89a96a4d85d11e8dc2188da7cfa846866b9d412b5f61212eab42cbade6bd64c"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestEveryBitOfAStateReachesItsRoot(t *testing.T) {
	l, tensors := fixture(t)
	h := NewHasher(l, 2)
	base := h.Root(Counters{1, 2, 3, merkle.Hash{4}}, tensors)
	before := append([]merkle.Hash(nil), h.Digests(tensors)...)
	for _, c := range []Counters{{2, 2, 3, merkle.Hash{4}}, {1, 3, 3, merkle.Hash{4}}, {1, 2, 4, merkle.Hash{4}}, {1, 2, 3, merkle.Hash{5}}} {
		if h.Root(c, tensors) == base {
			t.Errorf("%+v has the root of another state", c)
		}
	}
	for i := range tensors {
		for _, k := range []int{0, len(tensors[i]) / 2, len(tensors[i]) - 1} {
			old := tensors[i][k]
			tensors[i][k] = math.Float32frombits(math.Float32bits(old) ^ 1)
			if h.Root(Counters{1, 2, 3, merkle.Hash{4}}, tensors) == base {
				t.Errorf("tensor %d element %d: the last bit does not reach the root", i, k)
			}
			if got := l.FirstDifference(before, h.Digests(tensors)); got != l.specs[i].Name {
				t.Errorf("first difference %q, want %q", got, l.specs[i].Name)
			}
			tensors[i][k] = old
		}
	}
	tensors[0][0] = 0
	zero := h.Root(Counters{}, tensors)
	tensors[0][0] = float32(math.Copysign(0, -1))
	if h.Root(Counters{}, tensors) == zero {
		t.Error("-0 has the root of +0")
	}
	if l.FirstDifference(before, before) != "" {
		t.Error("equal digests differ")
	}
}

func TestNamesShapesAndKindsReachTheRoot(t *testing.T) {
	root := func(kind Kind, name string, shape ...int) merkle.Hash {
		l, err := NewLayout(kind, []program.TensorSpec{{Name: name, Shape: shape}})
		if err != nil {
			t.Fatal(err)
		}
		return NewHasher(l, 1).Root(Counters{}, [][]float32{{1, 2, 3, 4}})
	}
	seen := map[merkle.Hash]bool{}
	for _, h := range []merkle.Hash{root(State, "a", 4), root(State, "b", 4), root(State, "a", 2, 2), root(Gradient, "a", 4)} {
		if seen[h] {
			t.Error("two layouts share a root")
		}
		seen[h] = true
	}
}

func TestEveryNaNHasTheSameHash(t *testing.T) {
	l, tensors := fixture(t)
	h := NewHasher(l, 1)
	var roots []merkle.Hash
	for _, bits := range []uint32{0x7fc00000, 0xffc00000, 0x7f800001, 0xffffffff} {
		tensors[2][chunk+3] = math.Float32frombits(bits)
		roots = append(roots, h.Root(Counters{}, tensors))
		if h.Finite() {
			t.Errorf("%08x passes as finite", bits)
		}
		if roots[0] != plainRoot(l, Counters{}, tensors) {
			t.Errorf("%08x: not the canonical NaN", bits)
		}
	}
	for _, r := range roots[1:] {
		if r != roots[0] {
			t.Error("two NaN have different hashes")
		}
	}
}

func TestFiniteSeesEachElement(t *testing.T) {
	for n := range 20 {
		x := make([]float32, n+1)
		for i := range x {
			x[i] = math.Float32frombits(0xff7fffff) // the largest finite magnitude
		}
		if !Finite(x[1:]) || !Finite(x[:n]) {
			t.Fatalf("%d finite elements flagged", n)
		}
		for i := range n {
			for _, bits := range []uint32{0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001} {
				x[i+1] = math.Float32frombits(bits)
				if Finite(x[1:]) {
					t.Fatalf("%08x at %d of %d passes", bits, i, n)
				}
			}
			x[i+1] = -1
		}
	}
}

func TestHashingAllocatesNothing(t *testing.T) {
	l, tensors := fixture(t)
	for _, threads := range []int{1, 2} {
		h := NewHasher(l, threads)
		h.Root(Counters{}, tensors)
		if n := testing.AllocsPerRun(20, func() { h.Root(Counters{}, tensors) }); n != 0 {
			t.Errorf("%d threads: %v allocations", threads, n)
		}
	}
}

func TestAStateComesBackFromItsFile(t *testing.T) {
	l, tensors := fixture(t)
	c := Counters{9, 18, 27, merkle.Hash{7}}
	var buf bytes.Buffer
	if err := Write(&buf, l, c, tensors); err != nil {
		t.Fatal(err)
	}
	_, back := fixture(t)
	for _, x := range back {
		clear(x)
	}
	got, err := Read(bytes.NewReader(buf.Bytes()), "f", l, back)
	if err != nil || got != c {
		t.Fatalf("%+v, %v", got, err)
	}
	h := NewHasher(l, 1)
	if h.Root(c, back) != h.Root(c, tensors) {
		t.Error("the state changed")
	}
}

func TestStateFilesThatDoNotFitAreRefused(t *testing.T) {
	l, tensors := fixture(t)
	write := func(l *Layout, tensors [][]float32) []byte {
		var buf bytes.Buffer
		if err := Write(&buf, l, Counters{}, tensors); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
	good := write(l, tensors)
	swapped, err := NewLayout(State, []program.TensorSpec{l.specs[1], l.specs[0], l.specs[2]})
	if err != nil {
		t.Fatal(err)
	}
	other := write(swapped, [][]float32{tensors[1], tensors[0], tensors[2]})
	nan := append([]byte(nil), good...)
	binary.LittleEndian.PutUint32(nan[len(nan)-4:], 0x7fc00001)
	for name, c := range map[string]struct {
		data  []byte
		words string
		class fault.Class
	}{
		"reordered":     {other, "is needed", fault.WrongType},
		"truncated":     {good[:len(good)-1], "truncated", fault.BadLength},
		"trailing":      {append(append([]byte(nil), good...), 0), "bytes follow", fault.BadLength},
		"NaN":           {nan, `tensor "opt/exp_avg/net.0.weight": element 524301 is NaN`, fault.NotFinite},
		"other version": {bytes.Replace(good, []byte("verifyd-state/1"), []byte("verifyd-state/2"), 1), "metadata: format", fault.UnknownVersion},
		"bad counter":   {bytes.Replace(good, []byte(`"step":"0"`), []byte(`"step":"x"`), 1), "metadata: step", fault.BadForm},
		"extra counter": {bytes.Replace(good, []byte(`"step":"0"`), []byte(`"stap":"0"`), 1), "metadata: step", fault.BadForm},
	} {
		if _, err := Read(bytes.NewReader(c.data), "s.safetensors", l, tensors); err == nil ||
			!strings.HasPrefix(err.Error(), "s.safetensors: ") || !strings.Contains(err.Error(), c.words) || fault.Of(err) != c.class {
			t.Errorf("%s: %v of class %s", name, err, fault.Of(err))
		}
	}
}

func TestLayoutsThatCannotBeHashedAreRefused(t *testing.T) {
	for name, specs := range map[string][]program.TensorSpec{
		"nothing":   nil,
		"integers":  {{Name: "a", Kind: kernels.I32, Shape: []int{1}}},
		"long name": {{Name: strings.Repeat("n", 257), Shape: []int{1}}},
		"deep":      {{Name: "a", Shape: make([]int, 17)}},
	} {
		if _, err := NewLayout(State, specs); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func FuzzRead(f *testing.F) {
	l, err := NewLayout(State, []program.TensorSpec{{Name: "param/w", Shape: []int{2}}})
	if err != nil {
		f.Fatal(err)
	}
	var buf bytes.Buffer
	if err := Write(&buf, l, Counters{1, 2, 3, merkle.Hash{4}}, [][]float32{{1, 2}}); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add(buf.Bytes()[:20])
	f.Fuzz(func(t *testing.T, data []byte) {
		x := [][]float32{{0, 0}}
		c, err := Read(bytes.NewReader(data), "f", l, x)
		if err != nil {
			return
		}
		if err := Write(&bytes.Buffer{}, l, c, x); err != nil {
			t.Fatal(err)
		}
	})
}
