// Command gate prints the tables of the gate in docs/attacks.md: honest segments, cheap states, and shares of cheap units.
//
//	go run ./bench/cmd/gate            all of it
//	go run ./bench/cmd/gate -steps 50 -runs 1
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/verifyd/verifyd/bench/gatestudy"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/engine"
)

func main() {
	steps := flag.Uint64("steps", 400, "steps of a run, in 50 segments")
	runs := flag.Int("runs", 10, "honest runs of each setting, five for each start")
	only := flag.String("only", "", "settings whose names begin so")
	states := flag.Bool("states", true, "try cheap states")
	flag.Parse()
	if err := study(context.Background(), *steps, *runs, *only, *states); err != nil {
		fmt.Fprintln(os.Stderr, "gate:", err)
		os.Exit(1)
	}
}

func study(ctx context.Context, steps uint64, runs int, only string, states bool) error {
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		return err
	}
	defer cpu.Close()
	d := engine.NewCPU("cpu", cpu, 1)
	chosen, err := gatestudy.Settings(steps, only)
	if err != nil {
		return err
	}
	if runs > 0 {
		if err := gatestudy.Honest(ctx, d, chosen, runs, os.Stdout); err != nil {
			return err
		}
		fmt.Println()
	}
	if !states {
		return nil
	}
	if err := gatestudy.States(ctx, d, chosen, os.Stdout); err != nil {
		return err
	}
	fmt.Println()
	return gatestudy.Shares(ctx, d, chosen, os.Stdout)
}
