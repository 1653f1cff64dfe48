package valuation

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// RoundKind names the game of a round in certificates.
const RoundKind = "round"

// RoundFiles are where the parts of a round lie.
type RoundFiles struct {
	Program    string   // canonical JSON
	Base       string   // safetensors: the state before the round
	Updates    []string // safetensors, one a worker: the states that they trained to
	Sizes      []uint64 // rows that each trained on, as verified
	Validation string   // safetensors with x and y
}

// maxTensors bounds a file of parameters, in bytes.
const maxTensors = 1 << 34

// Read reads a round. Parameters are the tensors "param/NAME" of a state, or plain NAME; others are
// ignored. An update is the trained parameter less the base's, one rounding each.
func (f *RoundFiles) Read() (*round.Round, error) {
	data, err := input.ReadFile(f.Program, program.MaxJSON)
	if err != nil {
		return nil, err
	}
	p, err := program.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Program, err)
	}
	plan, err := program.Compile(p, kernels.ProfileF32)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Program, err)
	}
	if len(f.Updates) == 0 {
		return nil, errors.New("updates: none given")
	}
	if len(f.Sizes) != len(f.Updates) {
		return nil, fmt.Errorf("sizes: %d given for %d updates", len(f.Sizes), len(f.Updates))
	}
	r := &round.Round{Program: p, Sizes: f.Sizes}
	if r.Base, err = readParameters(f.Base, plan.Params()); err != nil {
		return nil, err
	}
	for _, path := range f.Updates {
		u, err := readParameters(path, plan.Params())
		if err != nil {
			return nil, err
		}
		for k, t := range u {
			for i := range t {
				t[i] -= r.Base[k][i]
			}
		}
		r.Updates = append(r.Updates, u)
	}
	if r.X, r.Y, err = ReadValidation(f.Validation, plan); err != nil {
		return nil, err
	}
	return r, nil
}

// ReadValidation reads the tensors x and y of a safetensors file: rows that fit a program, however many.
func ReadValidation(path string, plan *program.Plan) (x, y kernels.Buf, err error) {
	_, x, y, err = readValidation(path, plan)
	return x, y, err
}

// readValidation also gives the rows as a data set, whose root commits to them.
func readValidation(path string, plan *program.Plan) (set *job.Dataset, x, y kernels.Buf, err error) {
	info, err := os.Stat(input.Path(path))
	if err != nil {
		return nil, x, y, err
	}
	if set, err = job.ReadDataset(path, info.Size()); err != nil {
		return nil, x, y, err
	}
	if err := set.Fits(plan); err != nil {
		return nil, x, y, fmt.Errorf("%s: %w", path, err)
	}
	x, y = rowsLike(plan.X(), set.Samples()), rowsLike(plan.Y(), set.Samples())
	ids := make([]int64, set.Samples())
	for i := range ids {
		ids[i] = int64(i)
	}
	if err := set.Fill([]kernels.Buf{x, y}, ids); err != nil {
		return nil, x, y, fmt.Errorf("%s: %w", path, err)
	}
	return set, x, y, nil
}

// rowsLike is memory for rows of a specification.
func rowsLike(t program.TensorSpec, rows int) kernels.Buf {
	n := t.Len() / t.Shape[0] * rows
	if t.Kind == kernels.I32 {
		return kernels.Buf{I: make([]int32, n)}
	}
	return kernels.Buf{F: make([]float32, n)}
}

// readParameters reads a program's parameters from a file of tensors.
func readParameters(path string, params []program.TensorSpec) ([][]float32, error) {
	info, err := os.Stat(input.Path(path))
	if err != nil {
		return nil, err
	}
	f, err := safetensors.ReadFile(path, min(info.Size(), maxTensors))
	if err != nil {
		return nil, err
	}
	all := make([][]float32, len(params))
	for k, p := range params {
		t, ok := f.Tensor("param/" + p.Name)
		if !ok {
			if t, ok = f.Tensor(p.Name); !ok {
				return nil, fmt.Errorf("%s: tensor %q is missing", path, p.Name)
			}
		}
		want := safetensors.Info{Name: t.Name, DType: safetensors.F32, Shape: p.Shape}
		if !t.Info().Equal(want) {
			return nil, fmt.Errorf("%s: tensor %q: %s of shape %v, F32 of shape %v is needed", path, t.Name, t.Info().DType, t.Shape, p.Shape)
		}
		all[k] = t.F32
	}
	return all, nil
}

// Names are what the players are called: their files' names without endings, or whole paths where those
// are not unique.
func (f *RoundFiles) Names() []string {
	short, seen := make([]string, len(f.Updates)), map[string]bool{}
	for i, path := range f.Updates {
		short[i] = strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		if seen[short[i]] {
			return f.Updates
		}
		seen[short[i]] = true
	}
	return short
}
