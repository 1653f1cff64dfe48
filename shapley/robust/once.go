package robust

import (
	"fmt"
	"math/big"
)

// RowUnits is how many units Once counts a row for.
const RowUnits = 1 << 16

// Once are sizes in which every row counts once, in units of 1/RowUnits of a row, rounded down but to no less than one: players whose rows
// come from one source share the rows that the source has, or that they read between them if these are fewer, in proportion to what each read.
// So a copy brings no rows, however it is disguised. Sources has one for each player, and rows says how many a source has.
func Once[S comparable](sources []S, sizes []uint64, rows func(S) uint64) ([]uint64, error) {
	if len(sources) != len(sizes) {
		return nil, fmt.Errorf("robust: once: %d sources and %d sizes", len(sources), len(sizes))
	}
	read := map[S]*big.Int{}
	for i, s := range sources {
		if read[s] == nil {
			read[s] = new(big.Int)
		}
		read[s].Add(read[s], new(big.Int).SetUint64(sizes[i]))
	}
	once := make([]uint64, len(sizes))
	for i, s := range sources {
		if sizes[i] == 0 {
			continue
		}
		have := new(big.Int).SetUint64(rows(s))
		if have.Cmp(read[s]) > 0 {
			have = read[s]
		}
		units := new(big.Int).SetUint64(sizes[i])
		units.Mul(units, have).Mul(units, big.NewInt(RowUnits)).Quo(units, read[s])
		if !units.IsUint64() {
			return nil, fmt.Errorf("robust: once: sizes[%d]: %d rows are above the limit 2^48", i, sizes[i])
		}
		once[i] = max(1, units.Uint64())
	}
	return once, nil
}
