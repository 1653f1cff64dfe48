package odds

import "math/big"

// Power is what the gate of a version was measured to add to chance: of so many lies that stood for work and were not
// drawn by chance, so many were replayed because of it. It belongs to the version for good: what is measured anew,
// with other states or thresholds, is of another version, or findings on one claim would differ.
type Power struct {
	Led, Of uint64 // lies replayed, of lies that chance missed
	Source  string // where that was measured
}

// powers are those of the gates that were measured, by the name that a job gives them.
var powers = map[string]Power{
	// One jump into each of 20 states at three places of trainings of three nets, five segments of 50 drawn: 115 of 1,113 lies were
	// drawn, and a walk from what was drawn replayed 871 more. Those that moved most are not counted in: with them
	// 1,111 were replayed, a share that would promise what nobody can know.
	"verifyd-gate/1": {Led: 871, Of: 998, Source: "go run ./bench/cmd/jumps -steps 100 -challenges 3 -seeds 3 -twice=false"},
}

// PowerOf is the measured power of a gate; false for one of which nothing was measured, as for none.
func PowerOf(gate string) (Power, bool) {
	p, ok := powers[gate]
	return p, ok
}

// Found is the power as a share.
func (p Power) Found() *big.Rat { return new(big.Rat).SetFrac(natural(p.Led), natural(p.Of)) }

func natural(n uint64) *big.Int { return new(big.Int).SetUint64(n) }
