package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/checkpoint"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/trace"
)

// stateExport is what an export is asked for.
type stateExport struct {
	state, base, program, out string
	dtype                     string
	slots                     bool
}

func (a *app) stateExportCommand() *cobra.Command {
	var o stateExport
	cmd := &cobra.Command{
		Use:   "export STATE --out FILE",
		Short: "Write a state or a base for PyTorch to load",
		Long: `export writes the parameters and buffers of a claim's final state, of a snapshot of a
trace, or of a base, under PyTorch's names in a safetensors file that
safetensors.torch.load_file reads. STATE is a trace's folder, for its final state, or a file.
--base adds what a program freezes, which no state has. --program adds tied tensors
under their own names, as torch's load_state_dict wants them. With --dtype f16 or bf16
numbers are rounded to the nearest, to even where two are; one that overflows is an error.`,
		Example: `  verifyd state export trace --out trained.safetensors
  verifyd state export trace --base job/base.safetensors --program job/program.json \
      --dtype bf16 --out trained.safetensors`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			o.state = args[0]
			return a.exportState(o)
		}),
	}
	f := cmd.Flags()
	f.StringVar(&o.out, "out", "", "file to make")
	f.StringVar(&o.base, "base", "", "base of the job, for what the state does not have")
	f.StringVar(&o.program, "program", "", "program, for tied tensors")
	f.StringVar(&o.dtype, "dtype", "f32", "element type: f32, f16 or bf16")
	f.BoolVar(&o.slots, "slots", false, "write the optimizer's slots, too, as opt/SLOT/NAME")
	require(cmd, "out")
	complete(cmd, "dtype", "f32", "f16", "bf16")
	return cmd
}

func (a *app) exportState(o stateExport) error {
	how := checkpoint.Export{DType: safetensors.DType(strings.ToUpper(o.dtype)), Slots: o.slots}
	if o.dtype != "f32" && o.dtype != "f16" && o.dtype != "bf16" {
		return usageError{fmt.Errorf("--dtype %q: want f32, f16 or bf16", o.dtype)}
	}
	if err := fresh(o.out); err != nil {
		return err
	}
	if o.program != "" {
		p, err := readProgram(o.program)
		if err != nil {
			return err
		}
		how.Ties = p.Graph.Tied
	}
	if info, err := os.Stat(o.state); err == nil && info.IsDir() {
		o.state = filepath.Join(o.state, trace.FinalFile)
	}
	var files []*checkpoint.Checkpoint
	for _, path := range []string{o.state, o.base} {
		if path == "" {
			continue
		}
		c, err := checkpoint.Open(path)
		if err != nil {
			return err
		}
		defer c.Close()
		files = append(files, c)
	}
	list, left, err := checkpoint.Exports(files, how)
	if err != nil {
		return err
	}
	if err := writeStart(o.out, func(w io.Writer) error { return how.Write(w, list, files) }); err != nil {
		return err
	}
	view := struct {
		File    string       `json:"file"`
		DType   string       `json:"dtype"`
		Tensors []tensorView `json:"tensors"`
		Left    []tensorView `json:"left"`
	}{o.out, string(how.DType), []tensorView{}, []tensorView{}}
	for _, e := range list {
		view.Tensors = append(view.Tensors, tensorViewOf(e.Name, e.From))
	}
	for _, l := range left {
		view.Left = append(view.Left, tensorViewOf(l.Name, l.Tensor))
	}
	return a.emit(view, func(w io.Writer) {
		row(w, "file", o.out)
		row(w, "tensors", fmt.Sprintf("%d of %s", len(list), how.DType))
		if len(left) > 0 {
			row(w, "left over", fmt.Sprintf("%d slots of the optimizer: --slots writes them", len(left)))
		}
	})
}
