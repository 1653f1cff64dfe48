package valuation

import (
	"bufio"
	"fmt"
	"runtime"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/state"
)

// ReadClaimed reads the round of a frozen list. Nothing in it is taken from a file's word: program, validation rows, the
// base and the updates, in whatever order they are given, must have the digests and roots that the list names, and the
// weights are the list's. Updates are the states after a claim's last step, with all that the program keeps in a state.
func (f *RoundFiles) ReadClaimed(c *Claims) (*round.Round, error) {
	data, err := input.ReadFile(f.Program, program.MaxJSON)
	if err != nil {
		return nil, err
	}
	p, err := program.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Program, err)
	}
	if got := merkle.Hash(p.Digest()); got != c.Program {
		return nil, fmt.Errorf("%s: digest %v, the list of claims names %v", f.Program, got, c.Program)
	}
	spec, err := engine.NewSpec(p, kernels.ProfileF32, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Program, err)
	}
	if !spec.Plan.Plain() {
		return nil, fmt.Errorf("%s: tied or frozen parameters or buffers, for which no value is defined", f.Program)
	}
	if len(f.Updates) != len(c.Claims) {
		return nil, fmt.Errorf("updates: %d given for the %d claims of the list", len(f.Updates), len(c.Claims))
	}
	s := newStates(spec)
	r := &round.Round{Program: p, Updates: make([][][]float32, len(c.Claims))}
	root, base, err := s.read(f.Base)
	if err != nil {
		return nil, err
	}
	if root != c.Base {
		return nil, fmt.Errorf("%s: state %v, the list of claims begins with %v", f.Base, root, c.Base)
	}
	r.Base = base
	for _, path := range f.Updates {
		root, trained, err := s.read(path)
		if err != nil {
			return nil, err
		}
		at := c.unread(root, r.Updates)
		if at < 0 {
			return nil, fmt.Errorf("%s: state %v is not that of a claim of the list, or is given twice", path, root)
		}
		for k, t := range trained {
			for i := range t {
				t[i] -= base[k][i]
			}
		}
		r.Updates[at] = trained
	}
	for _, l := range c.Claims {
		r.Sizes = append(r.Sizes, l.Rows)
	}
	set, x, y, err := readValidation(f.Validation, spec.Plan)
	if err != nil {
		return nil, err
	}
	if got := set.Root(); got != c.Validation {
		return nil, fmt.Errorf("%s: validation rows with root %v, the list of claims names %v", f.Validation, got, c.Validation)
	}
	r.X, r.Y = x, y
	return r, nil
}

// unread is the first claim with a final state whose update is still missing; -1 if there is none.
func (c *Claims) unread(final merkle.Hash, updates [][][]float32) int {
	for i := range c.Claims {
		if c.Claims[i].Final == final && updates[i] == nil {
			return i
		}
	}
	return -1
}

// states reads a program's states.
type states struct {
	spec   *engine.Spec
	hasher *state.Hasher
	at     map[string]int // of a tensor in the layout
}

func newStates(spec *engine.Spec) *states {
	s := &states{spec: spec, hasher: state.NewHasher(spec.State, runtime.GOMAXPROCS(0)), at: make(map[string]int)}
	for i, t := range spec.State.Tensors() {
		s.at[t.Name] = i
	}
	return s
}

// read is a state's root, and its parameters in the order of the plan's: what is hashed is what is used.
func (s *states) read(path string) (merkle.Hash, [][]float32, error) {
	f, _, err := input.Open(path)
	if err != nil {
		return merkle.Hash{}, nil, err
	}
	defer f.Close()
	tensors := make([][]float32, len(s.spec.State.Tensors()))
	for i, t := range s.spec.State.Tensors() {
		tensors[i] = make([]float32, t.Len())
	}
	counters, err := state.Read(bufio.NewReaderSize(f, 1<<16), path, s.spec.State, tensors)
	if err != nil {
		return merkle.Hash{}, nil, err
	}
	params := make([][]float32, len(s.spec.Plan.Params()))
	for k, p := range s.spec.Plan.Params() {
		i, ok := s.at["param/"+p.Name]
		if !ok {
			return merkle.Hash{}, nil, fmt.Errorf("%s: the state has no parameter %q", path, p.Name)
		}
		params[k] = tensors[i]
	}
	return s.hasher.Root(counters, tensors), params, nil
}
