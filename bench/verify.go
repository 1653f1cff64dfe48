package bench

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"

	"github.com/verifyd/verifyd/verify/state"
)

// spare is the memory that `verify` may use besides the plan's buffers and two states.
const spare = 64 << 20

// measureVerify runs `verifyd verify` on an honest bundle of each model and reads its peak memory.
func (s *session) measureVerify(ctx context.Context) error {
	if s.options.Quick && s.options.Verifyd == "" {
		return nil
	}
	verifyd := s.options.Verifyd
	if verifyd == "" {
		verifyd = filepath.Join(s.dir, "verifyd")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", verifyd, "github.com/verifyd/verifyd/cmd/verifyd").CombinedOutput(); err != nil {
			return fmt.Errorf("build verifyd: %w\n%s", err, out)
		}
	}
	for _, m := range models(s.options.Quick) {
		b, err := makeBundle(ctx, m, s.cpus[1], s.dir)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		states, err := state.NewLayout(state.State, b.plan.Tensors())
		if err != nil {
			return err
		}
		cmd := exec.CommandContext(ctx, verifyd, "verify", b.dir, "--operator", b.operator)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: verifyd verify: %w\n%s", m.name, err, out)
		}
		planned, held := float64(b.plan.MemoryBytes()), float64(states.Bytes())
		s.add(Row{
			Group: "verify", Name: "peak memory of verify, " + m.title, Value: float64(peakMemory(cmd.ProcessState)), Unit: "byte",
			Limit: planned + 2*held + spare, Most: true,
			Note: fmt.Sprintf("buffers %.1f MiB, state %.1f MiB", planned/(1<<20), held/(1<<20)),
		})
	}
	return nil
}
