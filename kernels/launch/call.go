package launch

// Range is Words 32-bit words from word Offset on of a device's memory.
type Range struct{ Offset, Words int }

// Call is a plan with its operands in one memory.
type Call struct {
	Plan     Plan
	Operands []Range
}

// Routine is a list of calls, one after another, each seeing all that the former wrote.
type Routine struct {
	Calls []Call
	In    Range // what is copied to the memory before
	Out   Range // what is copied from it afterwards
}

// Workspace is the largest workspace of its plans, in words.
func (r Routine) Workspace() int {
	n := 0
	for _, c := range r.Calls {
		n = max(n, c.Plan.Workspace)
	}
	return n
}
