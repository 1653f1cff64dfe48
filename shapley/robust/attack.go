package robust

import "math"

// attack is what a player may try. It turns the honest identities into others and says which are the
// attacker's, before and after.
type attack struct {
	name string
	play func(s *Scenario, honest []identity) (all []identity, before, after []int)
}

// identity is a player as the game sees it.
type identity struct {
	update [][]float32
	size   uint64 // claimed
	own    uint64 // rows that no identity before it brought
}

// Names of the attacks.
const (
	Duplicate     = "duplicate"      // a second identity with the same update and size
	NearDuplicate = "near-duplicate" // likewise, with noise of 1/64 of the update's length
	SplitInTwo    = "split"          // two identities with the update and half of the size each
	ZeroUpdate    = "zero"           // no work: an update of zeros for the size
	Noise         = "noise"          // no work: uniform noise as long as the update
	Leak          = "leak"           // an update down the gradient of the validation loss, as long as the update
	Collusion     = "collusion"      // a partner drops its update and repeats the attacker's
)

// attacks are those that a scenario has what it takes for, in the order of the names.
func (s *Scenario) attacks() []attack {
	replace := func(name string, update func(u [][]float32) [][]float32) attack {
		return attack{name, func(s *Scenario, all []identity) ([]identity, []int, []int) {
			all[s.Attacker].update = update(all[s.Attacker].update)
			return all, []int{s.Attacker}, []int{s.Attacker}
		}}
	}
	join := func(name string, update func(u [][]float32) [][]float32) attack {
		return attack{name, func(s *Scenario, all []identity) ([]identity, []int, []int) {
			a := all[s.Attacker]
			all = append(all, identity{update(a.update), a.size, 0})
			return all, []int{s.Attacker}, []int{s.Attacker, len(all) - 1}
		}}
	}
	list := []attack{
		join(Duplicate, func(u [][]float32) [][]float32 { return u }),
		join(NearDuplicate, func(u [][]float32) [][]float32 {
			return add(u, scaled(s.noise(u), math.Sqrt(dot(u, u))*0x1p-6))
		}),
		{SplitInTwo, splitInTwo},
		replace(ZeroUpdate, zeros),
		replace(Noise, func(u [][]float32) [][]float32 { return scaled(s.noise(u), math.Sqrt(dot(u, u))) }),
	}
	if s.Gradient != nil {
		list = append(list, replace(Leak, func(u [][]float32) [][]float32 {
			return scaled(s.Gradient, -math.Sqrt(dot(u, u)))
		}))
	}
	if s.Partner != s.Attacker {
		list = append(list, attack{Collusion, func(s *Scenario, all []identity) ([]identity, []int, []int) {
			all[s.Partner].update = all[s.Attacker].update
			both := []int{s.Attacker, s.Partner}
			return all, both, both
		}})
	}
	return list
}

func splitInTwo(s *Scenario, all []identity) ([]identity, []int, []int) {
	a := all[s.Attacker]
	half := a.size / 2
	all[s.Attacker] = identity{a.update, a.size - half, a.size - half}
	all = append(all, identity{a.update, half, half})
	return all, []int{s.Attacker}, []int{s.Attacker, len(all) - 1}
}

// zeros is an update of the shape of u.
func zeros(u [][]float32) [][]float32 {
	out := make([][]float32, len(u))
	for k, t := range u {
		out[k] = make([]float32, len(t))
	}
	return out
}

// noise has the shape of u and elements in [-1, 1).
func (s *Scenario) noise(u [][]float32) [][]float32 {
	out := make([][]float32, len(u))
	for k, t := range u {
		words := make([]uint32, len(t))
		s.Seed.Draws(uint64(k), 1<<24, words)
		out[k] = make([]float32, len(t))
		for e, w := range words {
			out[k][e] = float32(float32(w)*0x1p-23) - 1
		}
	}
	return out
}

// scaled is the update in the direction of u with the length given, negative for the other way; u itself
// if it is 0.
func scaled(u [][]float32, length float64) [][]float32 {
	squares := dot(u, u)
	if squares == 0 {
		return u
	}
	by := length / math.Sqrt(squares)
	out := make([][]float32, len(u))
	for k, t := range u {
		out[k] = make([]float32, len(t))
		for e, v := range t {
			out[k][e] = float32(by * float64(v))
		}
	}
	return out
}

// add is the sum of two updates.
func add(u, v [][]float32) [][]float32 {
	out := make([][]float32, len(u))
	for k, t := range u {
		out[k] = make([]float32, len(t))
		for e, x := range t {
			out[k][e] = x + v[k][e]
		}
	}
	return out
}
