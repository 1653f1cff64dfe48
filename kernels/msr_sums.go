package kernels

// MSRSums is, for each player, the sum of the utilities of the coalitions that it is in, and how many those are:
// what maximum sample reuse needs of its samples. contract.md section 14.2. Utilities and sums are 64-bit integers as
// two words, the low one first; sums are modulo 2^64, so any order gives the same bits.
//
//	masks[Samples,(Players+31)/32] (I32), utilities[Samples,2] (I32) -> sums[Players,2] (I32), counts[Players] (I32)
type MSRSums struct{ Samples, Players int }

func (o MSRSums) Name() string { return "msr_sums" }
func (o MSRSums) Operands() []Operand {
	return []Operand{
		{"masks", I32, o.Samples * maskWords(o.Players), In}, {"utilities", I32, 2 * o.Samples, In},
		{"sums", I32, 2 * o.Players, Out}, {"counts", I32, o.Players, Out},
	}
}

func (o MSRSums) pieces(_ *CPU, phase int) int { return onePhase(phase, maskWords(o.Players)) }

// piece is the 32 players of a word.
func (o MSRSums) piece(_ *worker, _, i int, b []Buf) {
	var sums [32]uint64
	var counts [32]int32
	words := maskWords(o.Players)
	for s := range o.Samples {
		u := joined(b[1].I[2*s:])
		for k, m := 0, uint32(b[0].I[s*words+i]); m != 0; k, m = k+1, m>>1 {
			bit := m & 1
			sums[k] += u & -uint64(bit)
			counts[k] += int32(bit)
		}
	}
	for k := range min(32, o.Players-32*i) {
		p := 32*i + k
		b[2].I[2*p], b[2].I[2*p+1] = int32(uint32(sums[k])), int32(uint32(sums[k]>>32))
		b[3].I[p] = counts[k]
	}
}

// joined is the 64 bits of two words, the low one first.
func joined(w []int32) uint64 { return uint64(uint32(w[0])) | uint64(uint32(w[1]))<<32 }
