package verifytest

import "github.com/verifyd/verifyd/verify/program"

// JumpTo claims that the update of a step led to a cheap state, and is honest before and behind it: one lie that stands for
// all the work behind it. The plan is that of the program.
func JumpTo(p *program.Plan, at Steps, to CheapState) Cheat {
	return Cheat{State: func(t uint64, m *program.Machine) {
		if at(t) {
			to.Forge(NewState(p, m.Tensors()))
		}
	}}
}

// ThereAndBack is a jump into a cheap state and, the next time, one back to the state before it, and so on: two lies stand
// for the work between them, and leave a model that is good.
func ThereAndBack(p *program.Plan, at Steps, to CheapState) Cheat {
	var good [][]float32
	return Cheat{State: func(t uint64, m *program.Machine) {
		switch {
		case !at(t):
		case good == nil:
			good = clones(m.Tensors())
			to.Forge(NewState(p, m.Tensors()))
		default:
			for i, x := range m.Tensors() {
				copy(x, good[i])
			}
			good = nil
		}
	}}
}

// Either is a step that is one of two.
func Either(a, b uint64) Steps { return func(t uint64) bool { return t == a || t == b } }

// Cheap is a cheap state by its name.
func Cheap(name string) CheapState {
	for _, s := range CheapStates() {
		if s.Name == name {
			return s
		}
	}
	panic("verifytest: no cheap state " + name)
}
