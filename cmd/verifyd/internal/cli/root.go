// Package cli is verifyd's command line: one file a command. Data goes to
// standard output, in text or JSON; messages, progress and errors go to
// standard error behind "verifyd: ", in lower case and without a full stop.
// What a command does is done by other packages.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/device"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
)

// The exit codes. Scripts may rely on them.
const (
	exitOK           = 0 // done; for a verdict, PASS
	exitError        = 1 // bad input included
	exitUsage        = 2 // the command line makes no sense
	exitFail         = 3 // the verdict is FAIL
	exitInconclusive = 4 // the verdict is INCONCLUSIVE
	exitUnaudited    = 5 // the verdict is UNAUDITED
	exitNotMet       = 6 // a target that was asked for is not met
)

// app is one run of the command line.
type app struct {
	stdout, stderr io.Writer
	output         string // "text" or "json"
	isa            string
	threads        int
	deviceName     string      // "auto", "cpu" or "cuda:N"
	set            *device.Set // nil until it is wanted
	logLevel       string
	messages       string // "text" or "json"
	parent         int    // process that must be there; 0 for none
	interrupt      context.CancelFunc
	log            *slog.Logger
	terminal       sync.Mutex               // held while a bar or a line is drawn
	bar            *progressbar.ProgressBar // on the terminal now; nil if none is
	started        bool                     // the command line made sense, and a command has begun
}

// Main runs verifyd with the arguments after the program's name and returns
// its exit code.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &app{stdout: stdout, stderr: stderr, interrupt: cancel}
	root := a.rootCommand()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	if a.set != nil {
		a.set.Close()
	}
	return a.exitCode(cmd, err)
}

func (a *app) exitCode(cmd *cobra.Command, err error) int {
	var code exitWith
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &code):
		return int(code)
	}
	if errors.Is(err, context.Canceled) {
		if a.structured() {
			a.tell("error", failure{Kind: string(fault.Interrupted), Message: "interrupted", Exit: exitError})
		} else {
			a.note("interrupted")
		}
		return exitError
	}
	var usage usageError
	if errors.As(err, &usage) || !a.started {
		a.complain(err, exitUsage)
		a.note("usage: %s", cmd.UseLine())
		return exitUsage
	}
	a.complain(err, exitOf(err))
	return exitOf(err)
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "verifyd",
		Short: "Check claims of training work by replaying some of its steps, bit for bit",
		Long: `verifyd checks claims of training work. A worker trains a job that an operator
signed and commits to every step of it; verifyd replays a random sample of those
steps, bit for bit on any CPU or NVIDIA GPU, and signs what it found.

Start with "verifyd demo".

Exit codes: 0 done, or PASS; 1 error, bad input included; 2 usage; 3 FAIL;
4 INCONCLUSIVE; 5 UNAUDITED; 6 a --target is not met.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return a.checkOptions(cmd)
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = false
	flags := root.PersistentFlags()
	flags.StringVarP(&a.output, "output", "o", setting("VERIFYD_OUTPUT", "text"), "form of the data on standard output: text or json, of values also csv ($VERIFYD_OUTPUT)")
	flags.StringVar(&a.isa, "isa", setting("VERIFYD_ISA", "auto"), "code path: auto, generic, avx2, avx512 or neon; never changes a bit ($VERIFYD_ISA)")
	flags.IntVar(&a.threads, "threads", 0, "threads, 0 for one a processor; never changes a bit")
	flags.StringVar(&a.deviceName, "device", setting("VERIFYD_DEVICE", "auto"), "where to compute: cpu, cuda:N, or auto for the first GPU that can be used; never changes a bit ($VERIFYD_DEVICE)")
	flags.StringVar(&a.logLevel, "log-level", setting("VERIFYD_LOG_LEVEL", "info"), "debug, info, warn or error ($VERIFYD_LOG_LEVEL)")
	flags.StringVar(&a.messages, "messages", setting("VERIFYD_MESSAGES", "text"), "form of the messages on standard error: text, or json, a document a line ($VERIFYD_MESSAGES)")
	flags.IntVar(&a.parent, "parent", 0, "process that started this one, with which it ends")
	_ = flags.MarkHidden("parent") // it fails only for a flag that is not there
	complete(root, "output", "text", "json")
	complete(root, "messages", "text", "json")
	complete(root, "isa", "auto", "generic", "avx2", "avx512", "neon")
	complete(root, "device", "auto", "cpu", "cuda:0", "cuda:1", "cuda:2", "cuda:3")
	complete(root, "log-level", logLevels...)

	root.AddCommand(
		a.demoCommand(), a.planCommand(), a.dataCommand(), a.jobCommand(), a.stateCommand(), a.trainCommand(), a.roundCommand(), a.verifyCommand(), a.canaryCommand(),
		a.valueCommand(), a.scoreCommand(), a.policyCommand(), a.proofCommand(), a.logCommand(), a.registryCommand(), a.fsckCommand(), a.keysCommand(), a.inspectCommand(), a.doctorCommand(), a.versionCommand(), a.gpuChildCommand(),
	)
	return root
}

// setting is a default that an environment variable may replace.
func setting(env, value string) string {
	if v, ok := os.LookupEnv(env); ok {
		return v
	}
	return value
}

func (a *app) checkOptions(cmd *cobra.Command) error {
	tables := cmd.HasParent() && cmd.Parent().Name() == "value" // whose data are rows
	switch {
	case a.output == "text" || a.output == "json" || tables && a.output == "csv":
	case tables && a.output == "table":
		a.output = "text"
	case tables:
		return usageError{fmt.Errorf("--output %q: want table, csv or json", a.output)}
	default:
		return usageError{fmt.Errorf("--output %q: want text or json", a.output)}
	}
	if _, err := kernels.ParseISA(a.isa); err != nil {
		return usageError{fmt.Errorf("--isa: %w", err)}
	}
	if a.threads < 0 || a.threads > 1024 {
		return usageError{fmt.Errorf("--threads %d: want 0 to 1024", a.threads)}
	}
	if err := device.CheckName(a.deviceName); err != nil {
		return usageError{fmt.Errorf("--device %w", err)}
	}
	if a.messages != "text" && a.messages != "json" {
		given := a.messages
		a.messages = "text"
		return usageError{fmt.Errorf("--messages %q: want text or json", given)}
	}
	if a.parent < 0 {
		return usageError{fmt.Errorf("--parent %d: want the number of a process", a.parent)}
	}
	a.endWith(cmd.Context(), a.parent)
	return a.startLog()
}

// runs marks the command line as understood and goes on with f.
func (a *app) runs(f func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		a.started = true
		return f(cmd, args)
	}
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return usageError{fmt.Errorf("unknown command %q for %q", args[0], cmd.CommandPath())}
		},
	}
	g.AddCommand(commands...)
	return g
}

// complete offers the values of a flag to the shell.
func complete(cmd *cobra.Command, flag string, values ...string) {
	// It fails only for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}
