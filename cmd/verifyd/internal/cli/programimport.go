package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

func (a *app) programImportCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Read a program that something else wrote, and write its canonical bytes",
		Long: `import reads a program in any spelling of JSON, checks all that it says, and writes the
bytes that job new signs. verifyd's Python package hands over models of PyTorch so.`,
		Example: `  verifyd job program import lowered.json --out program.json`,
		Args:    cobra.ExactArgs(1),
		RunE: a.runs(func(_ *cobra.Command, args []string) error {
			data, err := readFile(args[0], program.MaxJSON)
			if err != nil {
				return err
			}
			p, err := program.Import(data)
			if err == nil {
				_, err = program.Compile(p, kernels.ProfileF32)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return a.emitProgram(p.JSON(), out)
		}),
	}
	cmd.Flags().StringVar(&out, "out", "", "file to make; standard output if not given")
	return cmd
}
