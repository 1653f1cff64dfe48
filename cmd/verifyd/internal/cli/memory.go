package cli

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/verify"
)

// size is a number of bytes as a flag has it: 8GiB, 512MiB, 4096.
type size uint64

// units of a size, largest first.
var units = []struct {
	name  string
	bytes uint64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

func (s *size) Set(text string) error {
	number, unit := text, uint64(1)
	for _, u := range units {
		if cut, ok := strings.CutSuffix(text, u.name); ok {
			number, unit = cut, u.bytes
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return errors.New("want a whole number of bytes, KiB, MiB, GiB or TiB, such as 8GiB")
	}
	high, low := bits.Mul64(n, unit)
	if n < 1 || high != 0 || low > math.MaxInt64 {
		return fmt.Errorf("outside 1 to %d bytes", uint64(math.MaxInt64))
	}
	*s = size(low)
	return nil
}

func (s *size) String() string {
	for _, u := range units {
		if uint64(*s) >= u.bytes && uint64(*s)%u.bytes == 0 {
			return fmt.Sprintf("%d%s", uint64(*s)/u.bytes, u.name)
		}
	}
	return strconv.FormatUint(uint64(*s), 10)
}

func (*size) Type() string { return "SIZE" }

// memoryFlag bounds what somebody else's program may allocate here. The default
// is the library's, 8 GiB.
func memoryFlag(cmd *cobra.Command, limit *size) {
	*limit = verify.DefaultMaxMemory
	cmd.Flags().Var(limit, "max-memory", "refuse a job whose program needs more for its buffers and two states, before allocating any of it")
}

// explainMemory adds to a refusal how to allow what was refused.
func explainMemory(err error) error {
	var refused *verify.MemoryError
	if errors.As(err, &refused) {
		need := size((refused.Need + 1<<20 - 1) &^ (1<<20 - 1)) // whole MiB
		return hint(err, "if this machine has the memory, allow it with --max-memory %s", need.String())
	}
	return err
}
