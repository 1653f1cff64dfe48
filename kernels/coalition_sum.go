package kernels

// CoalitionSum is the sum of the terms of each coalition's members on top of a base, contract.md section 14.1: the
// pre-activations of a shared first layer, or the parameters of a coalition's model, for many coalitions at once.
// Bit i%32 of word i/32 of a mask says whether player i is a member.
//
//	masks[Coalitions,(Players+31)/32] (I32), weights[Players], base[N], terms[Players,N] -> y[Coalitions,N]
type CoalitionSum struct{ Coalitions, Players, N int }

func (o CoalitionSum) Name() string { return "coalition_sum" }
func (o CoalitionSum) Operands() []Operand {
	return []Operand{
		{"masks", I32, o.Coalitions * maskWords(o.Players), In}, {"weights", F32, o.Players, In}, {"base", F32, o.N, In},
		{"terms", F32, o.Players * o.N, In}, {"y", F32, o.Coalitions * o.N, Out},
	}
}

// maskWords is how many words hold a bit for each of n players.
func maskWords(n int) int { return (n + 31) / 32 }

// coalitionBlock is a stretch of terms that stays in the first-level cache, in elements.
const coalitionBlock = 4096

func (o CoalitionSum) pieces(_ *CPU, phase int) int {
	return onePhase(phase, o.Coalitions*((o.N+coalitionBlock-1)/coalitionBlock))
}

// piece is one coalition's block: y[c,e] = base[e], then += float32(weights[i]*terms[i,e]) for its members, ascending.
// The sgd loop is that sum: p - float32(lr*g) with lr = -weight has the bits of p + float32(weight*g).
func (o CoalitionSum) piece(w *worker, _, i int, b []Buf) {
	c := i % o.Coalitions
	lo := i / o.Coalitions * coalitionBlock
	hi := min(lo+coalitionBlock, o.N)
	y, words := b[4].F[c*o.N+lo:c*o.N+hi], maskWords(o.Players)
	copy(y, b[2].F[lo:hi])
	for p := range o.Players {
		if uint32(b[0].I[c*words+p/32])>>(p%32)&1 != 0 {
			w.vec.sgd(y, b[3].F[p*o.N+lo:p*o.N+hi], -b[1].F[p], 0)
		}
	}
}
