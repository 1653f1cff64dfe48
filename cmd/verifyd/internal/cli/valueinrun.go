package cli

import (
	"context"
	"fmt"
	"math/big"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/tabular"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
)

// inrunOptions are a claim's files and what its samples are judged by.
type inrunOptions struct {
	operator, claim, validation, owners, plot string
	order, rows                               int
	maxMemory                                 size
	data                                      dataFiles
}

func (a *app) valueInRunCommand() *cobra.Command {
	var o inrunOptions
	cmd := &cobra.Command{
		Use:   "inrun JOB --operator KEY.pub --data FILE --claim FILE --validation FILE",
		Short: "Value the samples of a training run while all of it is replayed",
		Long: `inrun replays every step of a claim, on the CPU, and gives each sample its In-Run Data
Shapley value: what it did for the loss on the validation rows in the steps that
used it, to first or second order in the learning rate. The replay must end in the
state that was claimed. Momentum, Adam and weight decay are left out; the residual
says what of the loss the values do not explain.`,
		Example: `  verifyd value inrun job --operator operator.pem.pub --data data.safetensors \
      --claim trace/claim.json --validation validation.safetensors --owners owners.npy`,
		Args: cobra.ExactArgs(1),
		RunE: a.runs(func(cmd *cobra.Command, args []string) error { return a.valueInRun(cmd.Context(), args[0], o) }),
	}
	f := cmd.Flags()
	f.StringVar(&o.operator, "operator", "", "operator's public key (PEM)")
	o.data.flags(cmd)
	f.StringVar(&o.claim, "claim", "", "the worker's signed claim, with its assignment.json beside it")
	f.StringVar(&o.validation, "validation", "", "validation rows, x and y (safetensors)")
	f.StringVar(&o.owners, "owners", "", "owner of each sample, numbers from 0: values are of owners; without it of samples")
	f.IntVar(&o.order, "order", 2, "order of the values in the learning rate, 1 or 2")
	f.IntVar(&o.rows, "rows", 0, "validation rows of a step, which take turns; 0 is all in every step")
	f.StringVar(&o.plot, "plot", "", "SVG file to draw the values into")
	memoryFlag(cmd, &o.maxMemory)
	require(cmd, "operator", "claim", "validation")
	return cmd
}

func (a *app) valueInRun(ctx context.Context, dir string, o inrunOptions) error {
	if err := a.onProcessor("value inrun"); err != nil {
		return err
	}
	if err := fresh(o.plot); err != nil {
		return err
	}
	t, err := readOffer(dir, o.operator)
	if err != nil {
		return err
	}
	if err := t.CheckMemory(uint64(o.maxMemory)); err != nil {
		return err
	}
	file, err := readFile(o.claim, document.MaxSize)
	if err != nil {
		return err
	}
	assignment, err := readFile(filepath.Join(filepath.Dir(o.claim), verify.AssignmentFile), document.MaxSize)
	if err != nil {
		return err
	}
	r := valuation.Replay{Terms: t.Terms, Order: o.order, Rows: o.rows, Progress: a.progress("steps")}
	if r.Claim, _, err = t.ReadClaim(file); err != nil {
		return err
	}
	if r.Assignment, _, err = t.ReadAssignment(assignment); err != nil {
		return err
	}
	set, files, err := o.data.open(ctx, a, &t.Job.Data.Layout)
	if err != nil {
		return err
	}
	defer files.Close()
	r.Data = set
	if r.X, r.Y, err = valuation.ReadValidation(o.validation, t.Plan); err != nil {
		return err
	}
	players := numbered(r.Data.Samples())
	if o.owners != "" {
		if players, r.Owners, err = readOwners(o.owners, r.Data.Samples()); err != nil {
			return err
		}
		r.OwnerCount = len(players)
	}
	devices, err := a.processor(ctx)
	if err != nil {
		return err
	}
	defer devices.Close()
	r.CPU, r.Threads = devices.Runner(), devices.Runner().Threads()
	got, err := r.Values(ctx)
	if err != nil {
		return err
	}
	v := &valued{title: "Value of the run's samples", document: got, notes: [][2]string{
		{"validation loss, first less last", utilityText(big.NewInt(got.Moved))},
		{"not explained", utilityText(big.NewInt(got.Residual))},
		{"final state", got.Final.String() + ", as claimed"},
	}}
	for i, x := range got.Values {
		v.rows = append(v.rows, valuedRow{player: players[i], value: big.NewInt(x), numerator: fmt.Sprint(x), denominator: "1"})
	}
	return a.emitValued(v, o.plot)
}

// readOwners reads the owner of each of n samples, by name.
func readOwners(path string, n int) (names []string, owners []int, err error) {
	c, err := tabular.ReadColumn(path, n, tabular.Options{})
	if err != nil {
		return nil, nil, err
	}
	names, players, err := tabular.Owners(c)
	for _, p := range players {
		owners = append(owners, int(p))
	}
	return names, owners, err
}
