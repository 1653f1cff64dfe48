package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/device"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

// severityCodes are the exit codes of what was found in bundles.
var severityCodes = map[pool.Severity]int{
	pool.Passed: exitOK, pool.Unaudited: exitUnaudited, pool.Inconclusive: exitInconclusive, pool.Failed: exitFail, pool.Unjudged: exitError,
}

// ending is how a command ends whose bundles are at worst so bad.
func ending(worst pool.Severity) error {
	if code := severityCodes[worst]; code != exitOK {
		return exitWith(code)
	}
	return nil
}

// judge is what bundles are judged by.
func (a *app) judge(operator document.Key, verifier merkle.Hash, o verifyOptions, devices *device.Set) *pool.Judge {
	return &pool.Judge{
		Operator: operator, Verifier: verifier, Devices: devices.Order(), Ahead: devices.HasGPU(), MaxMemory: uint64(o.maxMemory),
		Clock: time.Now, Failed: devices.Failed,
	}
}

// judgedView is one of several bundles in JSON.
type judgedView struct {
	Bundle  string          `json:"bundle"`
	Verdict *verify.Verdict `json:"verdict,omitempty"`
	Error   string          `json:"error,omitempty"`
}

// verifySeveral judges bundles side by side and shows them in their order.
func (a *app) verifySeveral(ctx context.Context, bundles []string, judge *pool.Judge, parallel int) error {
	var all []judgedView
	worst := pool.Passed
	for j := range judge.Bundles(ctx, bundles, parallel, a.progress("verifying")) {
		worst = max(worst, j.Severity())
		view := judgedView{Bundle: j.Bundle, Verdict: j.Verdict}
		if j.Err != nil {
			view.Error = j.Err.Error()
		}
		if err := a.show(j, len(all) > 0); err != nil {
			return err
		}
		all = append(all, view)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if a.output == "json" {
		if err := a.emit(all, nil); err != nil {
			return err
		}
	}
	return ending(worst)
}

// show prints one of several. With -o json, all of them come at the end.
func (a *app) show(j *pool.Judged, further bool) error {
	if j.Err != nil {
		a.complain(j.Err, exitOf(j.Err))
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
		verdictText(w, j.Verdict, j.Took)
		walkText(w, &j.Verdict.Finding, j.Case)
	})
}
