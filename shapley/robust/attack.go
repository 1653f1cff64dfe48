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
	source int    // honest player whose rows it trained on
}

// Names of the attacks.
const (
	Duplicate     = "duplicate"       // a second identity with the same update and size
	NearDuplicate = "near-duplicate"  // likewise, with noise of 1/64 of the update's length
	Disguise      = "disguised copy"  // likewise, with noise as long as the update
	SplitInTwo    = "split"           // two identities with the update and half of the size each
	OppositeTwo   = "opposite split"  // two halves with -5 and 7 times the update
	OppositeThree = "opposite thirds" // three thirds: -5 times the update and noise, the same less the noise, and 13 times
	RuinAndRepair = "ruin and repair" // a half up the gradient of the loss, ten times as long as the update, and a half that repairs it
	Scaling       = "scaling"         // twice the update
	Variance      = "variance"        // two halves with -20 and 22 times the update: what others are worth depends on who came before
	ZeroUpdate    = "zero"            // no work: an update of zeros for the size
	Noise         = "noise"           // no work: uniform noise as long as the update
	Stale         = "stale"           // no work: the mean of the others' updates, as known from a round before
	Collusion     = "collusion"       // a partner drops its update and repeats the attacker's
	ruin          = 10
	opposed       = 5
	blown         = 20
	nearNoise     = 0x1p-6
	scaledUpBy    = 2
)

// attacks are those that a scenario has what it takes for, in the order of the names, and then what was made.
func (s *Scenario) attacks() []attack {
	list := []attack{
		s.joins(Duplicate, 0), s.joins(NearDuplicate, nearNoise), s.joins(Disguise, 1),
		s.splits(SplitInTwo, func(u [][]float32) [][][]float32 { return [][][]float32{u, u} }),
		s.splits(OppositeTwo, opposite(opposed)),
		s.splits(OppositeThree, func(u [][]float32) [][][]float32 {
			w := scaled(s.noise(u), math.Sqrt(dot(u, u)))
			return [][][]float32{combined(-opposed, u, 1, w), combined(-opposed, u, -1, w), combined(3+2*opposed, u, 0, w)}
		}),
		s.splits(RuinAndRepair, func(u [][]float32) [][][]float32 {
			up := s.Gradient
			if up == nil {
				up = s.noise(u)
			}
			up = scaled(up, ruin*math.Sqrt(dot(u, u)))
			return [][][]float32{up, combined(2, u, -1, up)}
		}),
		s.replaces(Scaling, func(u [][]float32) [][]float32 { return combined(scaledUpBy, u, 0, u) }),
		s.splits(Variance, opposite(blown)),
		s.replaces(ZeroUpdate, zeros),
		s.replaces(Noise, func(u [][]float32) [][]float32 { return scaled(s.noise(u), math.Sqrt(dot(u, u))) }),
	}
	if len(s.Updates) > 1 {
		list = append(list, s.replaces(Stale, func(u [][]float32) [][]float32 { return scaled(s.others(), math.Sqrt(dot(u, u))) }))
	}
	if s.Partner != s.Attacker {
		list = append(list, attack{Collusion, func(s *Scenario, all []identity) ([]identity, []int, []int) {
			all[s.Partner].update = all[s.Attacker].update
			both := []int{s.Attacker, s.Partner}
			return all, both, both
		}})
	}
	for _, m := range s.Made {
		list = append(list, s.replaces(m.Name, func([][]float32) [][]float32 { return m.Update }))
	}
	return list
}

// replaces has the attacker hand in another update.
func (s *Scenario) replaces(name string, update func(u [][]float32) [][]float32) attack {
	return attack{name, func(s *Scenario, all []identity) ([]identity, []int, []int) {
		all[s.Attacker].update = update(all[s.Attacker].update)
		return all, []int{s.Attacker}, []int{s.Attacker}
	}}
}

// joins has the attacker hand in its update a second time, with noise of a share of its length.
func (s *Scenario) joins(name string, share float64) attack {
	return attack{name, func(s *Scenario, all []identity) ([]identity, []int, []int) {
		a := all[s.Attacker]
		if share > 0 {
			a.update = combined(1, a.update, 1, scaled(s.noise(a.update), share*math.Sqrt(dot(a.update, a.update))))
		}
		all = append(all, a)
		return all, []int{s.Attacker}, []int{s.Attacker, len(all) - 1}
	}}
}

// splits has the attacker hand in several updates for equal parts of its rows.
func (s *Scenario) splits(name string, into func(u [][]float32) [][][]float32) attack {
	return attack{name, func(s *Scenario, all []identity) ([]identity, []int, []int) {
		a, after := all[s.Attacker], []int{s.Attacker}
		parts := into(a.update)
		part := a.size / uint64(len(parts))
		all[s.Attacker] = identity{parts[0], a.size - part*uint64(len(parts)-1), a.source}
		for _, u := range parts[1:] {
			after = append(after, len(all))
			all = append(all, identity{u, part, a.source})
		}
		return all, []int{s.Attacker}, after
	}}
}

// opposite are two updates of which the one undoes the other, and that have the mean u.
func opposite(c float64) func(u [][]float32) [][][]float32 {
	return func(u [][]float32) [][][]float32 {
		return [][][]float32{combined(-c, u, 0, u), combined(2+c, u, 0, u)}
	}
}

// others is the mean of the updates of all but the attacker.
func (s *Scenario) others() [][]float32 {
	mean := zeros(s.Updates[0])
	for i, u := range s.Updates {
		if i != s.Attacker {
			mean = combined(1, mean, 1/float64(len(s.Updates)-1), u)
		}
	}
	return mean
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
	return combined(length/math.Sqrt(squares), u, 0, u)
}

// Along is an update in the direction of another, so many times as long as an update of one's own; against it if by is negative.
func Along(direction, own [][]float32, by float64) [][]float32 {
	return scaled(direction, by*math.Sqrt(dot(own, own)))
}

// combined is a*u + b*v, each product and the sum rounded to binary64 and the result to binary32.
func combined(a float64, u [][]float32, b float64, v [][]float32) [][]float32 {
	out := make([][]float32, len(u))
	for k, t := range u {
		out[k] = make([]float32, len(t))
		for e, x := range t {
			out[k][e] = float32(float64(a*float64(x)) + float64(b*float64(v[k][e])))
		}
	}
	return out
}
