// Command jumps prints the tables of claims that jump into cheap states in docs/attacks.md: how often a challenge replays
// the lie, by chance, by the directed draw, and on the walk.
//
//	go run ./bench/cmd/jumps
//	go run ./bench/cmd/jumps -steps 100 -challenges 2 -only mlp
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
	steps := flag.Uint64("steps", 200, "steps of a run, in 50 segments")
	challenges := flag.Int("challenges", 9, "challenges of each claim")
	seeds := flag.Uint64("seeds", 1, "of starts, orders and challenges: a claim for each")
	only := flag.String("only", "", "settings whose names begin so, instead of one for each kind of net")
	once := flag.Bool("once", true, "jump into each cheap state")
	twice := flag.Bool("twice", true, "jump there and back")
	flag.Parse()
	if err := study(context.Background(), *steps, *challenges, *seeds, *only, *once, *twice); err != nil {
		fmt.Fprintln(os.Stderr, "jumps:", err)
		os.Exit(1)
	}
}

// kinds are one setting for each kind of net.
var kinds = []string{"mlp, Nesterov", "cnn, AdamW", "gpt, AdamW"}

func study(ctx context.Context, steps uint64, challenges int, seeds uint64, only string, once, twice bool) error {
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		return err
	}
	defer cpu.Close()
	begin := kinds
	if only != "" {
		begin = []string{only}
	}
	chosen, err := gatestudy.Settings(steps, begin...)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "jumps")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	j := gatestudy.Jumps{Settings: chosen, Device: engine.NewCPU("cpu", cpu, 1), Runner: cpu, Dir: dir, Sampled: 5, Challenges: challenges, Seeds: seeds}
	if once {
		if err := j.Once(ctx, os.Stdout); err != nil {
			return err
		}
		fmt.Println()
	}
	if !twice {
		return nil
	}
	return j.Twice(ctx, os.Stdout)
}
