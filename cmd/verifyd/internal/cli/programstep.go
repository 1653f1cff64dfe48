package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
)

func (a *app) programStepCommand() *cobra.Command {
	var base, data, out string
	cmd := &cobra.Command{
		Use:   "step PROGRAM --base FILE --data FILE",
		Short: "Run one step of a program, and write what it computed",
		Long: `step runs the first step of a program on the first rows of a data set and writes the
loss (loss), the gradients before clipping (grad/NAME) and the state after the update
(after/param/NAME and so on). It is there to hold a program to another framework's
step: dropout draws with seed 0.`,
		Example: `  verifyd job program step program.json --base base.safetensors --data batch.safetensors --out step.safetensors`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			if err := fresh(out); err != nil {
				return err
			}
			p, err := readProgram(args[0])
			if err != nil {
				return err
			}
			plan, err := program.Compile(p, kernels.ProfileF32)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			from, err := readBase(base, plan)
			if err != nil {
				return err
			}
			rows, err := readData(data)
			if err != nil {
				return err
			}
			if err := rows.Fits(plan); err != nil {
				return err
			}
			ids := make([]int64, plan.Y().Shape[0])
			if len(ids) > rows.Samples() {
				return fmt.Errorf("%s: %d samples, a step takes %d", data, rows.Samples(), len(ids))
			}
			for i := range ids {
				ids[i] = int64(i)
			}
			isa, err := kernels.ParseISA(a.isa)
			if err != nil {
				return err
			}
			cpu, err := kernels.NewCPU(kernels.Options{ISA: isa, Threads: a.threads})
			if err != nil {
				return err
			}
			defer cpu.Close()
			m, err := program.NewMachine(plan, cpu, 0)
			if err != nil {
				return err
			}
			from.Start(m.Tensors(), m.Frozen())
			if err := rows.Fill(m.Rows(), ids); err != nil {
				return err
			}
			return a.writeStep(out, plan, m)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&base, "base", "", "tensors to start from (safetensors)")
	f.StringVar(&data, "data", "", "data set (safetensors)")
	f.StringVar(&out, "out", "", "file to make; standard output if not given")
	require(cmd, "base", "data")
	return cmd
}

// writeStep runs step 0 and writes its results.
func (a *app) writeStep(path string, plan *program.Plan, m *program.Machine) (err error) {
	loss, err := m.Gradients(0)
	if err != nil {
		return err
	}
	var grads [][]float32 // the update clips them in place
	for _, g := range m.Grads() {
		grads = append(grads, append([]float32(nil), g...))
	}
	if _, _, err := m.Update(0); err != nil {
		return err
	}
	if path == "" {
		return writeTensors(a.stdout, plan, loss, grads, m.Tensors())
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(path)
		}
	}()
	to := bufio.NewWriterSize(f, 1<<16)
	if err := writeTensors(to, plan, loss, grads, m.Tensors()); err != nil {
		return err
	}
	return to.Flush()
}

func writeTensors(to io.Writer, plan *program.Plan, loss float32, grads, after [][]float32) error {
	infos := []safetensors.Info{{Name: "loss", DType: safetensors.F32}}
	infos = append(infos, state.Infos("grad/", plan.Params())...)
	infos = append(infos, state.Infos("after/", plan.Tensors())...)
	w, err := safetensors.NewWriter(to, nil, infos)
	if err != nil {
		return err
	}
	all := append(append([][]float32{{loss}}, grads...), after...)
	for _, x := range all {
		if err := w.F32(x); err != nil {
			return err
		}
	}
	return w.Close()
}
