package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/utility"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/valuation"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/verify/engine"
)

// utilityKind names the game of somebody else's process in certificates.
const utilityKind = "utility"

// utilityOptions say which process has the utilities.
type utilityOptions struct {
	command  []string // that starts it; nil for the process that started this one
	pipe     bool     // that one
	patience time.Duration
	again    int
}

func (o *utilityOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&o.pipe, "pipe", false, "ask the process that started this one: questions go to standard output, before all else, and answers come from standard input")
	f.DurationVar(&o.patience, "patience", time.Hour, "longest wait for an answer; 0 for ever")
	f.IntVar(&o.again, "again", 32, "ask again for one coalition, drawn by the seed, beside so many, to see whether its utility is the same; 0 for none")
}

// behindDash takes what stands behind -- from the arguments, as the command that is asked.
func (o *utilityOptions) behindDash(cmd *cobra.Command, args []string) (before []string) {
	if at := cmd.ArgsLenAtDash(); at >= 0 {
		o.command = args[at:]
		return args[:at]
	}
	return args
}

// given says whether there is anybody to ask.
func (o *utilityOptions) given() bool { return o.pipe || len(o.command) > 0 }

func (o *utilityOptions) check() error {
	switch {
	case o.pipe && len(o.command) > 0:
		return usageError{errors.New("--pipe: a command to ask is given as well")}
	case o.patience < 0:
		return usageError{fmt.Errorf("--patience %v: want a time that is not negative", o.patience)}
	case o.again < 0 || o.again > shapley.MaxBudget:
		return usageError{fmt.Errorf("--again %d: want 0 to %d", o.again, shapley.MaxBudget)}
	}
	return nil
}

// open starts the process, or takes the one that started this one, and hears what it plays.
func (o *utilityOptions) open(ctx context.Context, a *app, _ engine.Device, control bool) (*openGame, error) {
	if control {
		return nil, usageError{errors.New("--control: the game of a process has no surrogate")}
	}
	conn, finish := utility.Pipe(os.Stdin, a.stdout), func() { a.answerless() }
	if !o.pipe {
		var err error
		if conn, finish, err = utility.Start(o.command, a.stderr); err != nil {
			return nil, fmt.Errorf("utility: %w", err)
		}
	}
	g, err := utility.Open(ctx, conn, utility.Options{Patience: o.patience, Again: o.again})
	if err != nil {
		finish()
		return nil, err
	}
	details, err := json.Marshal(g.Details())
	if err != nil {
		finish()
		return nil, err
	}
	return &openGame{
		kind: utilityKind, title: "Value of the players", game: g, root: g.Root(), players: g.Names(), details: details, begin: g.Begin, close: finish,
	}, nil
}

// answerless tells the process that started this one that no question follows. There is nobody to tell if its pipe is gone.
func (a *app) answerless() { _, _ = a.stdout.Write([]byte(utility.End)) }

// unasked is the game of a certificate, of which nobody is there to be asked: its arithmetic alone can be checked.
func unasked(c *valuation.Certificate) (*openGame, error) {
	var d utility.Details
	if len(c.Details) > 0 {
		if err := json.Unmarshal(c.Details, &d); err != nil {
			return nil, fmt.Errorf("details: %w", err)
		}
	}
	root, err := utility.Root(c.Players, c.Result.Facts, d)
	silent := shapley.Func{N: c.Result.Players, Utility: func(context.Context, shapley.Coalition) (int64, error) {
		return 0, errors.New("nobody is there to be asked")
	}}
	return &openGame{kind: utilityKind, game: shapley.Declared{Game: silent, Known: c.Result.Facts}, root: root, players: c.Players, close: func() {}}, err
}

func (a *app) valueUtilityCommand() *cobra.Command {
	var uo utilityOptions
	var eo estimateOptions
	cmd := &cobra.Command{
		Use:   "utility --randomness HEX (--pipe | -- COMMAND ARGUMENT...)",
		Short: "Value the players of any game: a process of yours says what coalitions achieve",
		Long: `utility values the players of a game that a process plays, in any language: it is
asked over a pipe, a line of JSON for some coalitions and a line for their utilities.
docs/utility-protocol.md describes the lines, and verifyd's Python package speaks them.

What a coalition achieves must depend on the coalition alone. Some coalitions, drawn
by the seed, are asked for twice; another answer ends the run, and so does one that is
late, too long or no number. The error names the coalition.

With --out the transcript is kept, an interrupted run goes on where it stopped and
ends with the same bytes, and verifyd value audit checks it: the arithmetic without
the process, and a sample of the utilities with it.`,
		Example: `  verifyd value utility --randomness $BEACON --estimator antithetic --budget 64 --out value7 -- python3 utility.py
  verifyd value audit value7 --randomness $LATER -- python3 utility.py`,
		Args: func(cmd *cobra.Command, args []string) error {
			if at := cmd.ArgsLenAtDash(); at != 0 && len(args) > 0 {
				return fmt.Errorf("unknown argument %.40q: the command to ask stands behind --", args[0])
			}
			return nil
		},
		RunE: a.runs(func(cmd *cobra.Command, args []string) error {
			uo.behindDash(cmd, args)
			if err := uo.check(); err != nil {
				return err
			}
			if !uo.given() {
				return usageError{errors.New("--pipe or a command behind -- is missing: somebody must be asked")}
			}
			return a.estimateHere(cmd.Context(), &uo, eo)
		}),
	}
	uo.flags(cmd)
	eo.flags(cmd)
	return cmd
}
