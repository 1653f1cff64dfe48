// SPDX-License-Identifier: GPL-3.0-or-later

// Command mumax measures verifyd's reductions and launches on a GPU beside those of mumax3, and counts
// how many different results each gives for the same sum. It writes JSON and prints a table. It is a
// program of its own, under the GPL as mumax3 is; see README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/verifyd/verifyd/bench/mumax/compare"
	"github.com/verifyd/verifyd/bench/mumax/toolkit"
	"github.com/verifyd/verifyd/cgo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "mumax:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("mumax", flag.ContinueOnError)
	out := flags.String("out", "", "`file` to write the report to as JSON; empty writes none")
	device := flags.Int("device", 0, "`number` of the GPU, as the driver counts")
	library := flags.String("libcuda", "libcuda.so.1", "`path` of the driver's library")
	sizes := flags.String("sizes", "20,22,24,26", "elements that are reduced and mapped, as `powers` of two")
	repeats := flags.String("repeats", "20,24", "elements whose sums are repeated, as `powers` of two")
	o := compare.Options{Progress: func(what string) { fmt.Fprintln(os.Stderr, "measuring", what) }}
	flags.IntVar(&o.Rounds, "rounds", 21, "turns of each side that count")
	flags.IntVar(&o.Times, "times", 20, "repetitions within a turn")
	flags.IntVar(&o.Launches, "launches", 1000, "launches in a row where their overhead is measured")
	flags.IntVar(&o.Runs, "runs", 1000, "how often a sum is repeated")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	var err error
	if o.Sizes, err = powers(*sizes); err != nil {
		return fmt.Errorf("-sizes: %w", err)
	}
	if o.Repeats, err = powers(*repeats); err != nil {
		return fmt.Errorf("-repeats: %w", err)
	}
	report, err := measure(ctx, *library, *device, o)
	if report == nil {
		return err
	}
	// What was found is shown also where a sum of ours varied or the device gave up.
	if *out != "" {
		err = errors.Join(err, write(*out, report))
	}
	return errors.Join(report.Text(os.Stdout), err)
}

// powers reads the powers of two of a list, at most 2^28: three vectors of each side are a few gigabytes.
func powers(list string) ([]int, error) {
	var sizes []int
	for _, word := range strings.Split(list, ",") {
		p, err := strconv.Atoi(word)
		if err != nil || p < 0 || p > 28 {
			return nil, fmt.Errorf("%q is no power between 0 and 28", word)
		}
		sizes = append(sizes, 1<<p)
	}
	return sizes, nil
}

// limit bounds the device memory of each of verifyd's two sides: three vectors of the longest, rounded up.
const limit = 4 << 30

// measure opens the driver for both and compares them.
func measure(ctx context.Context, library string, ordinal int, o compare.Options) (report *compare.Report, err error) {
	options := cgo.Options{Library: library}
	driver, err := cgo.Open(ctx, options)
	if err != nil {
		return nil, err
	}
	device, err := driver.OpenDevice(ctx, ordinal)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, device.Close(ctx)) }()
	ours, err := newVerifyd(ctx, device, false, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, ours.Close(ctx)) }()
	captured, err := newVerifyd(ctx, device, true, limit)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, captured.Close(ctx)) }()
	if err := toolkit.Load(library); err != nil {
		return nil, err
	}
	peer, err := newMumax(ordinal)
	if err != nil {
		return nil, fmt.Errorf("mumax3: %w", err)
	}
	defer func() { err = errors.Join(err, peer.Close()) }()
	if report, err = compare.Run(ctx, ours, captured, peer, o); report != nil {
		report.Machine = machine(ctx, driver, device, options)
	}
	return report, err
}

// write keeps the report in a file.
func write(path string, report *compare.Report) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(report.JSON(f), f.Close())
}
