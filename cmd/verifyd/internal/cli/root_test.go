package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/pool"
	"github.com/verifyd/verifyd/verify"
)

func TestTheWorstOutcomeGivesTheExitCode(t *testing.T) {
	found := func(o verify.Outcome) *pool.Judged {
		return &pool.Judged{Verdict: &verify.Verdict{Finding: verify.Finding{Outcome: o}}}
	}
	pass, fail, inconclusive := found(verify.Pass), found(verify.Fail), found(verify.Inconclusive)
	unaudited := found(verify.Unaudited)
	broken := &pool.Judged{Err: errors.New("no such bundle")}
	for _, c := range []struct {
		all  []*pool.Judged
		want int
	}{
		{[]*pool.Judged{pass}, 0},
		{[]*pool.Judged{fail}, 3},
		{[]*pool.Judged{inconclusive}, 4},
		{[]*pool.Judged{unaudited}, 5},
		{[]*pool.Judged{pass, unaudited, pass}, 5},
		{[]*pool.Judged{unaudited, inconclusive}, 4},
		{[]*pool.Judged{pass, pass}, 0},
		{[]*pool.Judged{pass, inconclusive}, 4},
		{[]*pool.Judged{inconclusive, fail, pass}, 3},
		{[]*pool.Judged{fail, broken, inconclusive}, 1},
	} {
		worst := pool.Passed
		for _, j := range c.all {
			worst = max(worst, j.Severity())
		}
		a := &app{stderr: new(bytes.Buffer), started: true}
		if got := a.exitCode(&cobra.Command{}, ending(worst)); got != c.want {
			t.Errorf("%d bundles: exit code %d, want %d", len(c.all), got, c.want)
		}
	}
}

func TestErrorsAreOneLineAndAHint(t *testing.T) {
	for _, c := range []struct {
		err     error
		started bool
		code    int
		want    string
	}{
		{errors.New("disk full"), true, 1, "verifyd: disk full\n"},
		{fmt.Errorf("a.pem: %w", hint(errors.New("too big"), "cut it to %d", 3)), true, 1, "verifyd: a.pem: too big\nverifyd: hint: cut it to 3\n"},
		{errors.Join(errors.New("no key"), errors.New("no data")), true, 1, "verifyd: no key; no data\n"},
		{usageError{errors.New("-o what")}, true, 2, "verifyd: -o what\nverifyd: usage: verb\n"},
		{errors.New("unknown command\n\nDid you mean this?\n"), false, 2, "verifyd: unknown command\nverifyd: usage: verb\n"},
		{fmt.Errorf("replaying: %w", context.Canceled), true, 1, "verifyd: interrupted\n"},
	} {
		var stderr bytes.Buffer
		a := &app{stderr: &stderr, started: c.started}
		if code := a.exitCode(&cobra.Command{Use: "verb"}, c.err); code != c.code || stderr.String() != c.want {
			t.Errorf("%q: exit code %d and %q, want %d and %q", c.err, code, stderr.String(), c.code, c.want)
		}
	}
}

func TestProgressIsSilentWhereNobodyWatchesUntilTenSecondsPass(t *testing.T) {
	var stderr bytes.Buffer
	a := &app{stderr: &stderr}
	report := a.progress("training")
	for i := range uint64(100) {
		report(i+1, 100)
	}
	if stderr.Len() > 0 {
		t.Errorf("wrote %q", stderr.String())
	}
}
