package checkpoint

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
)

// saved writes a state of the model and its base, and gives their paths.
func saved(t testing.TB, plan *program.Plan, alter func(tensors [][]float32)) (stateFile, baseFile string) {
	t.Helper()
	layout, err := state.NewLayout(state.State, plan.Tensors())
	if err != nil {
		t.Fatal(err)
	}
	var tensors [][]float32
	for i, s := range plan.Tensors() {
		tensors = append(tensors, numbers(s.Len(), i+100))
	}
	if alter != nil {
		alter(tensors)
	}
	var b bytes.Buffer
	if err := state.Write(&b, layout, state.Counters{Step: 3, RNG: 6, Cursor: 12, Assignment: merkle.Hash{1}}, tensors); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	stateFile, baseFile = filepath.Join(dir, "final.safetensors"), filepath.Join(dir, "base.safetensors")
	_, base := wanted(t)
	for path, data := range map[string][]byte{stateFile: b.Bytes(), baseFile: base} {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return stateFile, baseFile
}

// exported writes an export and reads it again.
func exported(t testing.TB, o Export, paths ...string) (back *Checkpoint, left []Left, err error) {
	t.Helper()
	var files []*Checkpoint
	for _, p := range paths {
		c, err := Open(p)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		files = append(files, c)
	}
	list, left, err := Exports(files, o)
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	if err := o.Write(&b, list, files); err != nil {
		return nil, left, err
	}
	path := filepath.Join(t.TempDir(), "out.safetensors")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	back, err = Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { back.Close() })
	return back, left, nil
}

func TestAnExportIsWhatTheNextImportReads(t *testing.T) {
	p, plan := model(t)
	final, base := saved(t, plan, nil)
	back, left, err := exported(t, Export{DType: safetensors.F32, Ties: p.Graph.Tied}, final, base)
	if err != nil {
		t.Fatal(err)
	}
	if back.Metadata["format"] != "pt" || len(left) != 2*len(plan.Params()) {
		t.Errorf("%v, %d left over", back.Metadata, len(left))
	}
	trained := plan.Params()
	index := func(name string) int {
		return slices.IndexFunc(trained, func(s program.TensorSpec) bool { return s.Name == name })
	}
	m, err := back.Match(p, plan, Names{})
	if err != nil || len(m.Missing) != 0 || len(m.Left) != 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	ties := 0
	for i, b := range m.Base {
		want := numbers(b.Spec.Len(), i)
		if k := index(b.Spec.Name); k >= 0 {
			want = numbers(b.Spec.Len(), k+100)
		}
		got := make([]float32, len(want))
		if err := b.read(got, make([]byte, 4*block)); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s comes back as another: %v", b.Spec.Name, err)
		}
		if b.Same != nil {
			ties++
		}
	}
	if ties != len(p.Graph.Tied) {
		t.Errorf("%d tied tensors", ties)
	}
	withSlots, left, err := exported(t, Export{DType: "BF16", Slots: true}, final)
	if err != nil || len(left) != 0 || len(withSlots.Tensors) != len(plan.Tensors()) || withSlots.Tensors[0].DType != "BF16" {
		t.Errorf("%d tensors, %v", len(withSlots.Tensors), err)
	}
}

func TestWeightsThatOverflowAndFilesOfOthersAreNotExported(t *testing.T) {
	_, plan := model(t)
	final, _ := saved(t, plan, func(x [][]float32) { x[1][2] = 1e5 })
	if _, _, err := exported(t, Export{DType: "F16"}, final); fault.Of(err) != fault.OutOfRange || !strings.Contains(err.Error(), "element 2 is 100000, which overflows F16") || !strings.HasPrefix(err.Error(), final) {
		t.Errorf("%v", err)
	}
	final, _ = saved(t, plan, func(x [][]float32) { x[0][0] = float32(math.Inf(1)) })
	if _, _, err := exported(t, Export{DType: safetensors.F32}, final); fault.Of(err) != fault.NotFinite {
		t.Errorf("%v", err)
	}
	other := filepath.Join(t.TempDir(), "o.safetensors")
	save(t, other, given{"a", "F16", []int{2}, make([]byte, 4)})
	if _, _, err := exported(t, Export{DType: safetensors.F32}, other); fault.Of(err) != fault.WrongType {
		t.Errorf("%v", err)
	}
	_, base := saved(t, plan, nil)
	if _, _, err := exported(t, Export{DType: safetensors.F32, Ties: []program.Tie{{Name: "head.weight", As: "nowhere"}}}, base); fault.Of(err) != fault.WrongType {
		t.Errorf("%v", err)
	}
}

func TestTheRootThatIsShownIsTheJobs(t *testing.T) {
	_, plan := model(t)
	want, _ := wanted(t)
	final, base := saved(t, plan, nil)
	for path, c := range map[string]struct {
		kind state.Kind
		root merkle.Hash
	}{base: {state.Base, want.Root}, final: {state.State, rootOf(t, plan)}} {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		kind, root, err := f.Root(2)
		if err != nil || kind != c.kind || root != c.root {
			t.Errorf("%s: %s %v, %v", path, kind, root, err)
		}
		f.Close()
	}
}

// rootOf is the root of the state that saved writes.
func rootOf(t testing.TB, plan *program.Plan) merkle.Hash {
	t.Helper()
	layout, err := state.NewLayout(state.State, plan.Tensors())
	if err != nil {
		t.Fatal(err)
	}
	var tensors [][]float32
	for i, s := range plan.Tensors() {
		tensors = append(tensors, numbers(s.Len(), i+100))
	}
	return state.NewHasher(layout, 1).Root(state.Counters{Step: 3, RNG: 6, Cursor: 12, Assignment: merkle.Hash{1}}, tensors)
}
