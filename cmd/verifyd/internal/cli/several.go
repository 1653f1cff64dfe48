package cli

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/device"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
)

// judged is what was found in a bundle.
type judged struct {
	Bundle  string          `json:"bundle"`
	Verdict *verify.Verdict `json:"verdict,omitempty"`
	Error   string          `json:"error,omitempty"`

	err  error
	took time.Duration
}

// code is the exit code that a bundle alone would give.
func (j *judged) code() int {
	if j.err != nil {
		return exitError
	}
	switch j.Verdict.Finding.Outcome {
	case verify.Pass:
		return exitOK
	case verify.Fail:
		return exitFail
	}
	return exitInconclusive
}

// severity is the order of exit codes in which the worst of several bundles is
// found, the worst first.
var severity = []int{exitError, exitFail, exitInconclusive, exitOK}

// judge replays what was challenged in a bundle.
func (a *app) judge(ctx context.Context, bundle string, operator document.Key, o verifyOptions, devices *device.Set, progress func(done, total uint64)) *judged {
	began := time.Now()
	v, err := verify.Judge(ctx, bundle, operator, verify.Options{
		Devices: devices.Order(), MaxMemory: uint64(o.maxMemory), ReadAhead: a.readAhead(bundle, operator, o),
		Now: began, Progress: progress, Failed: devices.Failed(bundle),
	})
	j := &judged{Bundle: bundle, Verdict: v, took: time.Since(began)}
	if err != nil {
		j.err = explainJudge(fmt.Errorf("%s: %w", bundle, err))
		j.Error = j.err.Error()
	}
	return j
}

// readAhead is the size of one state if a GPU replays, which then need not wait
// for the next segment to be read and decompressed; otherwise it is the
// library's default. With the program's own need it stays within --max-memory.
func (a *app) readAhead(bundle string, operator document.Key, o verifyOptions) int {
	if !a.set.HasGPU() {
		return 0
	}
	t, err := readTermsFor(bundle, operator)
	if err != nil {
		return 0 // the judge will say so
	}
	need, limit := t.MemoryBytes(), uint64(o.maxMemory)
	if need >= limit {
		return 0
	}
	bytes := uint64(0)
	for _, tensor := range t.Plan.Tensors() {
		bytes += 4 * uint64(tensor.Len())
	}
	return int(max(verify.DefaultReadAhead, min(bytes, limit-need)))
}

// verifySeveral judges bundles side by side and shows them in their order.
func (a *app) verifySeveral(ctx context.Context, bundles []string, operator document.Key, o verifyOptions, devices *device.Set) error {
	all := make([]*judged, len(bundles))
	finished := make(chan int)
	next := make(chan int)
	go func() {
		defer close(next)
		for i := range bundles {
			next <- i
		}
	}()
	var workers sync.WaitGroup
	for range min(a.parallel(o), len(bundles)) {
		workers.Go(func() {
			for i := range next {
				all[i] = a.judge(ctx, bundles[i], operator, o, devices, nil)
				finished <- i
			}
		})
	}
	go func() { workers.Wait(); close(finished) }()

	progress := a.progress("verifying")
	ready, shown, done := make([]bool, len(bundles)), 0, uint64(0)
	var failed error
	for i := range finished {
		ready[i] = true
		done++
		progress(done, uint64(len(bundles)))
		for ; shown < len(bundles) && ready[shown] && failed == nil && ctx.Err() == nil; shown++ {
			failed = a.show(all[shown], shown > 0)
		}
	}
	if failed == nil {
		failed = ctx.Err()
	}
	if failed == nil && a.output == "json" {
		failed = a.emit(all, nil)
	}
	if failed != nil {
		return failed
	}
	return worst(all)
}

// parallel is the number of bundles that are judged at once.
func (a *app) parallel(o verifyOptions) int {
	switch {
	case o.parallel > 0:
		return o.parallel
	case a.set.HasGPU():
		return 4
	}
	return 1
}

// show prints one of several. With -o json, all of them come at the end.
func (a *app) show(j *judged, further bool) error {
	if j.err != nil {
		a.complain(j.err)
		return nil
	}
	if a.output == "json" {
		return nil
	}
	if further {
		fmt.Fprintln(a.stdout)
	}
	return a.emit(nil, func(w io.Writer) {
		row(w, j.Bundle)
		verdictText(w, j.Verdict, j.took)
	})
}

// worst is how the command ends.
func worst(all []*judged) error {
	for _, code := range severity {
		for _, j := range all {
			if j.code() == code && code != exitOK {
				return exitWith(code)
			}
		}
	}
	return nil
}
