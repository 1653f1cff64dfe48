package checkpoint

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// given is a tensor of a test's file.
type given struct {
	name  string
	dtype safetensors.DType
	shape []int
	bytes []byte
}

// save writes a file as other tools do.
func save(t testing.TB, path string, tensors ...given) {
	t.Helper()
	var infos []safetensors.Info
	var content []byte
	for _, g := range tensors {
		infos = append(infos, safetensors.Info{Name: g.name, DType: g.dtype, Shape: g.shape})
		content = append(content, g.bytes...)
	}
	var b bytes.Buffer
	if err := safetensors.WriteLayout(&b, map[string]string{"format": "pt"}, infos, sizeOf); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(b.Bytes(), content...), 0o644); err != nil {
		t.Fatal(err)
	}
}

// numbers are those of a tensor that all types of the test have: multiples of 1/8 from -2 to 2.
func numbers(n, seed int) []float32 {
	x := make([]float32, n)
	for k := range x {
		x[k] = float32((k*7+seed*3)%33-16) / 8
	}
	return x
}

// as is a program's tensor as a file of another tool has it.
func as(spec program.TensorSpec, name string, seed int, d safetensors.DType) given {
	b, _ := narrow(nil, numbers(spec.Len(), seed), d)
	return given{name, d, spec.Shape, b}
}

// model is an adapter on a model with a tied head, and its plan.
func model(t testing.TB) (*program.Program, *program.Plan) {
	t.Helper()
	p := verifytest.Adapted()
	plan, err := program.Compile(p, kernels.ProfileF32)
	if err != nil {
		t.Fatal(err)
	}
	return p, plan
}

// all is the base of a plan as a file has it, each tensor under prefix and its name.
func all(plan *program.Plan, prefix string, d safetensors.DType) (list []given) {
	for i, spec := range plan.Base() {
		list = append(list, as(spec, prefix+spec.Name, i, d))
	}
	return list
}

// imported imports paths and gives the bytes and the root.
func imported(t testing.TB, names Names, paths ...string) (*Match, []byte, merkle.Hash, error) {
	t.Helper()
	p, plan := model(t)
	c, err := Open(paths...)
	if err != nil {
		return nil, nil, merkle.Hash{}, err
	}
	defer c.Close()
	m, err := c.Match(p, plan, names)
	if err != nil {
		return nil, nil, merkle.Hash{}, err
	}
	var b bytes.Buffer
	root, err := c.Write(t.Context(), &b, m, Import{Plan: plan, Threads: 2})
	return m, b.Bytes(), root, err
}

// wanted is the base of the model with the numbers of the test.
func wanted(t testing.TB) (*verify.Base, []byte) {
	t.Helper()
	_, plan := model(t)
	var tensors [][]float32
	for i, spec := range plan.Base() {
		tensors = append(tensors, numbers(spec.Len(), i))
	}
	b, err := verify.NewBase(plan, tensors, 1)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := b.Write(&file); err != nil {
		t.Fatal(err)
	}
	return b, file.Bytes()
}

// shards writes tensors into files of two each, and their index.
func shards(t testing.TB, dir string, list []given) {
	t.Helper()
	index := make(map[string]string)
	for i := 0; i < len(list); i += 2 {
		name := fmt.Sprintf("model-%05d.safetensors", i)
		part := list[i:min(i+2, len(list))]
		save(t, filepath.Join(dir, name), part...)
		for _, g := range part {
			index[g.name] = name
		}
	}
	data, err := json.Marshal(map[string]any{"metadata": map[string]any{"total_size": 12}, "weight_map": index})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "model"+IndexSuffix), data, 0o644); err != nil {
		t.Fatal(err)
	}
}
