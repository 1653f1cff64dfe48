package launch

import "github.com/verifyd/verifyd/kernels"

// Planned is a plan with its operands in one memory.
type Planned struct {
	Plan     Plan
	Operands []kernels.Range
}

// Routine is a list of calls with their plans, one after another, each seeing all that the former wrote.
type Routine struct {
	Calls []Planned
	In    kernels.Range // what is copied to the memory before
	Out   kernels.Range // what is copied from it afterwards
}

// Workspace is the largest workspace of its plans, in words.
func (r Routine) Workspace() int {
	n := 0
	for _, c := range r.Calls {
		n = max(n, c.Plan.Workspace)
	}
	return n
}
