package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/verifyd/verifyd/verify/state"
)

// spare is the memory that `verify` may use besides the plan's buffers and two states.
const spare = 64 << 20

// measureVerify runs `verifyd verify` on an honest bundle of each model and reads its peak memory.
func (s *session) measureVerify(ctx context.Context) error {
	if s.options.Quick && s.options.Verifyd == "" {
		return nil
	}
	verifyd, err := s.verifyd(ctx)
	if err != nil {
		return err
	}
	for _, m := range models(s.options.Quick) {
		b, err := makeBundle(ctx, m, s.cpus[1], s.dir, "claim", twoSegments)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		states, err := state.NewLayout(state.State, b.plan.Tensors())
		if err != nil {
			return err
		}
		peak, err := peakMemory(exec.CommandContext(ctx, verifyd, "verify", b.dir, "--operator", b.operator))
		if err != nil {
			return fmt.Errorf("%s: verifyd verify: %w", m.name, err)
		}
		planned, held := float64(b.plan.MemoryBytes()), float64(states.Bytes())
		s.add(Row{
			Group: "verify", Name: "peak memory of verify, " + m.title, Value: float64(peak), Unit: "byte",
			Limit: planned + 2*held + spare, Most: true,
			Note: fmt.Sprintf("buffers %.1f MiB, state %.1f MiB", planned/(1<<20), held/(1<<20)),
		})
	}
	return nil
}

// verifyd is the path of the command, which is built unless the options name one.
func (s *session) verifyd(ctx context.Context) (string, error) {
	if s.options.Verifyd != "" {
		return s.options.Verifyd, nil
	}
	path := filepath.Join(s.dir, "verifyd")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/verifyd/verifyd/cmd/verifyd").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build verifyd: %w\n%s", err, out)
	}
	return path, nil
}

// peakMemory runs the command and returns the largest resident set that it was seen with, in bytes. Linux keeps the
// high-water mark (VmHWM in proc(5)); it is read all the time because it is gone with the process, and the one that
// wait returns would not do: it begins at the resident set of whoever started the process.
func peakMemory(cmd *exec.Cmd) (int64, error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	status := fmt.Sprintf("/proc/%d/status", cmd.Process.Pid)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for peak := int64(0); ; {
		select {
		case err := <-ended:
			switch {
			case err != nil:
				return 0, fmt.Errorf("%w\n%s", err, out.Bytes())
			case peak == 0:
				return 0, errors.New("the system does not tell its peak memory")
			}
			return peak, nil
		case <-tick.C:
			peak = max(peak, highWater(status))
		}
	}
}

// highWater reads VmHWM, in bytes, from a status file; 0 if it is not there.
func highWater(status string) int64 {
	b, err := os.ReadFile(status)
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(b), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		return 0
	}
	return kib << 10
}
