// Command bench measures verifyd beside OpenBLAS and PyTorch, writes bench/results/NAME.json and prints the
// table that the README shows.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/verifyd/verifyd/bench"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/optest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o bench.Options
	flag.BoolVar(&o.Quick, "quick", false, "tiny sizes, no peers: a smoke run whose figures mean nothing")
	flag.BoolVar(&o.NoPeers, "no-peers", false, "measure verifyd alone")
	flag.StringVar(&o.Verifyd, "verifyd", "", "`path` of a built verifyd, for the peak memory of verify (default: builds one)")
	flag.IntVar(&o.Rounds, "rounds", 0, "rounds of each comparison (default: enough for stable medians)")
	flag.StringVar(&o.Only, "only", "", "measure one `group`: gemm, train, replay, imprint, gate, state, verify, or answer, what a worker answers with, or models, of PyTorch models as programs, or operators, which says where a step's time goes, values, or adapters; "+
		"of a GPU: copy, gemm, train, gpt2, operators, hash or overhead")
	flag.StringVar(&o.Device, "device", "cpu", "`device` to measure: cpu, or cuda:N for a GPU beside PyTorch")
	flag.StringVar(&o.Commit, "commit", "", "`revision` of the build, where there is no checkout to ask")
	name := flag.String("name", "", "`name` of the results file (default: cpu or gpu)")
	dir := flag.String("results", "bench/results", "`folder` of the results files; empty writes none")
	alone := flag.Bool("kernels", false, "only print the time of every operator on its own, on one thread")
	show := flag.String("print", "", "only print the table of a results `file`")
	flag.Parse()
	if flag.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flag.Arg(0))
	}
	if *show != "" {
		return table(*show)
	}
	if *alone {
		return kernelTimes()
	}
	if *name == "" {
		*name, _, _ = strings.Cut(strings.Replace(o.Device, "cuda", "gpu", 1), ":")
	}
	o.Progress = func(what string) { fmt.Fprintln(os.Stderr, "measuring", what) }
	if o.Only != "" {
		*name += "-" + o.Only // a part does not replace the whole
	}
	save := func(r *bench.Report) error {
		if *dir == "" {
			return nil
		}
		return write(filepath.Join(*dir, *name+".json"), r)
	}
	if strings.HasPrefix(o.Device, "cuda") { // whose machine may be taken away in mid-run
		o.Measured = save
	}
	report, err := bench.Run(ctx, o)
	if errors.Is(err, bench.ErrNoPeer) {
		return fmt.Errorf("%w\nhint: -no-peers measures verifyd alone", err)
	}
	if report == nil {
		return err
	}
	return errors.Join(err, save(report), report.Markdown(os.Stdout))
}

// table prints the table of a results file.
func table(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	report := new(bench.Report)
	if err := json.Unmarshal(data, report); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return report.Markdown(os.Stdout)
}

// kernelTimes prints the conformance suite's table of times.
func kernelTimes() error {
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		return err
	}
	defer cpu.Close()
	return optest.Perf(os.Stdout, optest.CPU(cpu))
}

// write replaces the results file at path.
func write(path string, report *bench.Report) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := report.JSON(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
