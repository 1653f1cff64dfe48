package checkpoint

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

func TestEveryFormOfAStateGivesTheSameBase(t *testing.T) {
	_, plan := model(t)
	base, want := wanted(t)
	counter := given{"bn.num_batches_tracked", "I64", []int{}, make([]byte, 8)}
	reversed := all(plan, "", "F32")
	for i, j := 0, len(reversed)-1; i < j; i, j = i+1, j-1 {
		reversed[i], reversed[j] = reversed[j], reversed[i]
	}
	head := -1
	for i, spec := range plan.Base() {
		if spec.Name == "tok.weight" {
			head = i
		}
	}
	mixed := all(plan, "module.", "BF16")
	mixed[1] = as(plan.Base()[1], "module."+plan.Base()[1].Name, 1, "F32")
	renamed := all(plan, "", "F32")
	renamed[head].name = "head.weight"
	for name, c := range map[string]struct {
		write func(dir string)
		names Names
		left  int
	}{
		"one file":                    {func(dir string) { save(t, filepath.Join(dir, "m.safetensors"), all(plan, "", "F32")...) }, Names{}, 0},
		"in another order":            {func(dir string) { save(t, filepath.Join(dir, "m.safetensors"), reversed...) }, Names{}, 0},
		"f16":                         {func(dir string) { save(t, filepath.Join(dir, "m.safetensors"), all(plan, "", "F16")...) }, Names{}, 0},
		"bf16 and f32, with a prefix": {func(dir string) { save(t, filepath.Join(dir, "m.safetensors"), mixed...) }, Names{Strip: "module."}, 0},
		"shards":                      {func(dir string) { shards(t, dir, all(plan, "", "F32")) }, Names{}, 0},
		"shards with another prefix":  {func(dir string) { shards(t, dir, all(plan, "_orig_mod.", "F16")) }, Names{Rename: [][2]string{{"_orig_mod.", ""}}}, 0},
		"a counter is left over": {func(dir string) {
			save(t, filepath.Join(dir, "m.safetensors"), append(all(plan, "", "F32"), counter)...)
		}, Names{}, 1},
		"tied, there twice": {func(dir string) {
			save(t, filepath.Join(dir, "m.safetensors"), append(all(plan, "", "F32"), as(plan.Base()[head], "head.weight", head, "F16"))...)
		}, Names{}, 0},
		"tied, under the other name": {func(dir string) { save(t, filepath.Join(dir, "m.safetensors"), renamed...) }, Names{}, 0},
	} {
		dir := t.TempDir()
		c.write(dir)
		m, got, root, err := imported(t, c.names, dir)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Equal(got, want) || root != base.Root || len(m.Left) != c.left || len(m.Missing) != 0 {
			t.Errorf("%s: root %v, want %v; %d left over, %d missing", name, root, base.Root, len(m.Left), len(m.Missing))
		}
	}
}

// An adapter is a file of its own beside the model's.
func TestSeveralFilesMakeOneState(t *testing.T) {
	_, plan := model(t)
	base, _ := wanted(t)
	dir := t.TempDir()
	var adapter, rest []given
	for _, g := range all(plan, "", "F32") {
		if strings.Contains(g.name, "lora") {
			adapter = append(adapter, g)
		} else {
			rest = append(rest, g)
		}
	}
	a, b := filepath.Join(dir, "adapter.safetensors"), filepath.Join(dir, "model.safetensors")
	save(t, a, adapter...)
	save(t, b, rest...)
	if _, _, root, err := imported(t, Names{}, b, a); err != nil || root != base.Root {
		t.Errorf("%v, %v", root, err)
	}
	if _, _, _, err := imported(t, Names{}, b, b); fault.Of(err) != fault.WrongType || !strings.Contains(err.Error(), "has it, too") {
		t.Errorf("twice: %v", err)
	}
	m, _, _, err := imported(t, Names{}, b)
	if fault.Of(err) != fault.WrongType || !strings.Contains(err.Error(), fmt.Sprintf("%d of %d tensors of the program are missing", len(adapter), len(adapter)+len(rest))) || len(m.Missing) != len(adapter) {
		t.Errorf("without the adapter: %v", err)
	}
}

func TestWhatIsMissingIsDrawnAsTheProgramDoes(t *testing.T) {
	p, plan := model(t)
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer cpu.Close()
	machine, err := program.NewMachine(plan, cpu, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := machine.Init(42); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	save(t, filepath.Join(dir, "m.safetensors"), as(plan.Base()[0], "none", 1, "F32"))
	c, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	m, err := c.Match(p, plan, Names{})
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := c.Write(t.Context(), &file, m, Import{Plan: plan, Draw: func(i int, x []float32) error { return plan.DrawBase(cpu, i, 42, x) }}); err != nil {
		t.Fatal(err)
	}
	b, err := verify.ReadBase(&file, "f", plan, 1)
	if err != nil {
		t.Fatal(err)
	}
	tensors, frozen := plan.Tensors(), plan.Frozen()
	state, fixed := make([][]float32, len(tensors)), make([][]float32, len(frozen))
	for i, s := range tensors {
		state[i] = make([]float32, s.Len())
	}
	for i, s := range frozen {
		fixed[i] = make([]float32, s.Len())
	}
	b.Start(state, fixed)
	if fmt.Sprint(state, fixed) != fmt.Sprint(machine.Tensors(), machine.Frozen()) {
		t.Error("another start than the program's")
	}
}

func TestAPrefixThatWouldMatchIsSuggested(t *testing.T) {
	_, plan := model(t)
	n := len(plan.Base())
	for prefix, want := range map[string]string{"module.": "--strip module.", "base_model.model.": "--strip base_model.model."} {
		dir := t.TempDir()
		save(t, filepath.Join(dir, "m.safetensors"), all(plan, prefix, "F32")...)
		m, _, _, err := imported(t, Names{}, dir)
		if err == nil || m == nil || m.Hint != fmt.Sprintf("%s would match %d more", want, n) {
			t.Errorf("%s: %+v, %v", prefix, m, err)
		}
	}
	dir := t.TempDir()
	save(t, filepath.Join(dir, "m.safetensors"), all(plan, "", "F32")...)
	if m, _, _, _ := imported(t, Names{Strip: "blocks.0."}, dir); m == nil || !strings.HasPrefix(m.Hint, "--add blocks.0. would match") {
		t.Errorf("%+v", m)
	}
}

func TestBadStatesGetOneErrorWithFileAndTensor(t *testing.T) {
	_, plan := model(t)
	first := plan.Base()[0]
	change := func(k int, alter func(g *given)) []given {
		list := all(plan, "", "F32")
		alter(&list[k])
		return list
	}
	head := 0
	for i, spec := range plan.Base() {
		if spec.Name == "tok.weight" {
			head = i
		}
	}
	file := func(list []given) func(string) {
		return func(dir string) { save(t, filepath.Join(dir, "m.safetensors"), list...) }
	}
	index := func(text string) func(string) {
		return func(dir string) {
			shards(t, dir, all(plan, "", "F32"))
			if err := os.WriteFile(filepath.Join(dir, "model"+IndexSuffix), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	bitten := func(alter func(data []byte) []byte) func(string) {
		return func(dir string) {
			shards(t, dir, all(plan, "", "F32"))
			path := filepath.Join(dir, "model-00000.safetensors")
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, alter(data), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	nan, _ := narrow(nil, numbers(first.Len(), 0), "F32")
	copy(nan[4:], []byte{0, 0, 0xc0, 0x7f})
	for name, c := range map[string]struct {
		write func(dir string)
		class fault.Class
		words string
	}{
		"another shape":    {file(change(0, func(g *given) { g.shape = []int{1, first.Len()} })), fault.WrongType, `m.safetensors: tensor "` + first.Name + `": of shape [1`},
		"f64":              {file(change(0, func(g *given) { g.dtype, g.bytes = "F64", make([]byte, 2*len(g.bytes)) })), fault.WrongType, `m.safetensors: tensor "` + first.Name + `": of type F64`},
		"integers":         {file(change(0, func(g *given) { g.dtype = "I32" })), fault.WrongType, "of type I32"},
		"NaN":              {file(change(0, func(g *given) { g.bytes = nan })), fault.NotFinite, `m.safetensors: tensor "` + first.Name + `": element 1 is NaN`},
		"missing":          {file(all(plan, "", "F32")[1:]), fault.WrongType, `1 of`},
		"tied, and others": {file(append(all(plan, "", "F32"), as(plan.Base()[head], "head.weight", 99, "F32"))), fault.WrongType, `tensor "head.weight": element 0 is`},
		"one byte of a tied copy": {file(append(all(plan, "", "F32"), func() given {
			g := as(plan.Base()[head], "head.weight", head, "F32")
			g.bytes[len(g.bytes)-4] ^= 1
			return g
		}())), fault.WrongType, fmt.Sprintf("element %d is", plan.Base()[head].Len()-1)},
		"an index outside its folder": {index(`{"weight_map":{"a":"../m.safetensors"}}`), fault.BadForm, `want the plain name`},
		"an absolute index":           {index(`{"weight_map":{"a":"/etc/m.safetensors"}}`), fault.BadForm, `want the plain name`},
		"an index of hidden files":    {index(`{"weight_map":{"a":".m.safetensors"}}`), fault.BadForm, `want the plain name`},
		"an index of pickles":         {index(`{"weight_map":{"a":"m.bin"}}`), fault.BadForm, `want the plain name`},
		"an index that doubles":       {index(`{"weight_map":{"a":"b.safetensors","a":"c.safetensors"}}`), fault.BadForm, "given twice"},
		"an index of nothing":         {index(`{"weight_map":{}}`), fault.BadForm, "missing, or empty"},
		"an index that is none":       {index(`[]`), fault.BadForm, "JSON"},
		"an index and more":           {index(`{"weight_map":{"a":"b.safetensors"}}{}`), fault.BadForm, "follows"},
		"a shard that is not there":   {index(`{"weight_map":{"a":"b.safetensors"}}`), fault.Missing, "names b.safetensors, which is not there"},
		"a tensor of another shard":   {index(`{"weight_map":{"` + first.Name + `":"model-00002.safetensors","a":"model-00000.safetensors"}}`), fault.WrongType, "not where model" + IndexSuffix + " has it"},
		"a tensor that no shard has": {func(dir string) {
			shards(t, dir, all(plan, "", "F32"))
			path := filepath.Join(dir, "model"+IndexSuffix)
			data, _ := os.ReadFile(path)
			if err := os.WriteFile(path, bytes.Replace(data, []byte(`"weight_map":{`), []byte(`"weight_map":{"zz":"model-00000.safetensors",`), 1), 0o644); err != nil {
				t.Fatal(err)
			}
		}, fault.WrongType, `1 tensors are not in their files, such as "zz"`},
		"a truncated shard": {bitten(func(b []byte) []byte { return b[:len(b)-1] }), fault.BadLength, "model-00000.safetensors: 463 bytes, its header describes 464: the file is truncated"},
		"a shard cut short": {bitten(func(b []byte) []byte { return b[:20] }), fault.BadLength, "model-00000.safetensors: header"},
		"a longer shard":    {bitten(func(b []byte) []byte { return append(b, 0) }), fault.BadLength, "goes on behind its last tensor"},
		"an empty folder":   {func(string) {}, fault.Missing, "neither"},
		"two files": {func(dir string) {
			save(t, filepath.Join(dir, "a.safetensors"), all(plan, "", "F32")...)
			save(t, filepath.Join(dir, "b.safetensors"), all(plan, "", "F32")...)
		}, fault.WrongType, "0 indexes and 2 files"},
	} {
		dir := t.TempDir()
		c.write(dir)
		_, _, _, err := imported(t, Names{}, dir)
		if fault.Of(err) != c.class || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v of class %s", name, err, fault.Of(err))
		}
	}
}

// writing fails, or touches a file, at the first write behind the header.
type writing struct {
	io.Writer
	then func()
}

func (w *writing) Write(p []byte) (int, error) {
	if w.then != nil {
		w.then()
		w.then = nil
	}
	return w.Writer.Write(p)
}

func TestAFileThatChangesWhileItIsReadIsRefused(t *testing.T) {
	p, plan := model(t)
	for name, then := range map[string]func(path string) error{
		"touched": func(path string) error { return os.Chtimes(path, time.Unix(1, 0), time.Unix(1, 0)) },
		"cut":     func(path string) error { return os.Truncate(path, 5000) },
	} {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		save(t, path, all(plan, "", "F32")...)
		c, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := c.Match(p, plan, Names{})
		if err != nil {
			t.Fatal(err)
		}
		w := &writing{io.Discard, func() {
			if err := then(path); err != nil {
				t.Error(err)
			}
		}}
		if _, err := c.Write(t.Context(), w, m, Import{Plan: plan}); fault.Of(err) != fault.Altered || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
	}
}

func TestEveryHalfIsWidenedAndComesBack(t *testing.T) {
	for _, d := range []safetensors.DType{"F16", "BF16"} {
		for bits := range 1 << 16 {
			b := []byte{byte(bits), byte(bits >> 8)}
			x := []float32{0}
			widen(x, b, d)
			if finite := !math.IsNaN(float64(x[0])) && !math.IsInf(float64(x[0]), 0); !finite {
				continue
			}
			if back, bad := narrow(nil, x, d); bad >= 0 || !bytes.Equal(back, b) {
				t.Fatalf("%s %04x is %v, and %x again", d, bits, x[0], back)
			}
		}
	}
	for h, want := range map[uint16]float32{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: 0x1p-24, 0x0400: 0x1p-14, 0x8000: float32(math.Copysign(0, -1))} {
		if got := half(h); math.Float32bits(got) != math.Float32bits(want) {
			t.Errorf("%04x: %v, want %v", h, got, want)
		}
	}
}

func TestNumbersAreRoundedToTheNearestAndToEvenWhereTwoAre(t *testing.T) {
	for _, c := range []struct {
		d    safetensors.DType
		v    float32
		want uint16
	}{
		{"BF16", 1 + 0x1p-8, 0x3f80}, {"BF16", 1 + 0x3p-8, 0x3f82}, {"BF16", 1 + 0x1p-8 + 0x1p-20, 0x3f81},
		{"F16", 1 + 0x1p-11, 0x3c00}, {"F16", 1 + 0x3p-11, 0x3c02}, {"F16", 1 + 0x1p-11 + 0x1p-20, 0x3c01},
		{"F16", 0x1p-25, 0}, {"F16", 0x3p-25, 2}, {"F16", -0x1.8p-24, 0x8002}, {"F16", 0x1p-14 - 0x1p-26, 0x0400}, {"F16", 65519, 0x7bff},
	} {
		b, bad := narrow(nil, []float32{c.v}, c.d)
		if got := uint16(b[0]) | uint16(b[1])<<8; bad >= 0 || got != c.want {
			t.Errorf("%v as %s: %04x, want %04x", c.v, c.d, got, c.want)
		}
	}
	for d, v := range map[safetensors.DType]float32{"F16": 65520, "BF16": math.MaxFloat32} {
		if _, bad := narrow(nil, []float32{0, v}, d); bad != 1 {
			t.Errorf("%v does not overflow %s", v, d)
		}
	}
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":1},"weight_map":{"a":"b.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../b.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"b.safetensors","a":"b.safetensors"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		index, err := parseIndex("i.json", data)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "i.json: ") {
				t.Fatalf("the error does not name the file: %v", err)
			}
			return
		}
		for _, shard := range index {
			if filepath.Base(shard) != shard || !filepath.IsLocal(shard) {
				t.Fatalf("%q leads elsewhere", shard)
			}
		}
	})
}

// A file of a stranger is refused with its name, or all its tensors lie in it.
func FuzzOpen(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "m.safetensors")
	save(f, path, given{"a", "F16", []int{2}, make([]byte, 4)}, given{"b", "I64", []int{}, make([]byte, 8)})
	data, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add(data[:len(data)-1])
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := Open(path)
		if err != nil {
			if !strings.HasPrefix(err.Error(), path) {
				t.Fatalf("the error does not name the file: %v", err)
			}
			return
		}
		defer c.Close()
		for _, x := range c.Tensors {
			n, err := x.Count()
			if err != nil || x.at+int64(n)*sizeOf(x.DType) > int64(len(data)) {
				t.Fatalf("%q is outside the file", x.Name)
			}
		}
		if _, _, err := c.Root(1); err != nil && !strings.Contains(err.Error(), path) {
			t.Fatalf("the error does not name the file: %v", err)
		}
	})
}
