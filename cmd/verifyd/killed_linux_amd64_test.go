package main

import (
	"flag"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/crashtest"
)

// Every how many of the calls that change a file the process is killed, or the call fails: 1 is all of them.
var crashEvery = flag.Int("crash.every", 15, "kill and fail at every n-th call that changes a file")

func TestATrainingGoesOnAsPromisedWhereverItIsKilledOrACallFails(t *testing.T) {
	w := newTrainee(t, 6, 2)
	for how, name := range map[crashtest.Action]string{crashtest.Kill: "killed", crashtest.Fail: "failed"} {
		for n := 1; ; n += *crashEvery {
			out, met := fmt.Sprintf("%s-%d", name, n), false
			tr := &crashtest.Tracer{
				Folder: filepath.Join(w.dir, out),
				At: func(at int) crashtest.Action {
					if at == n {
						met = true
						return how
					}
					return crashtest.Proceed
				},
				Bytes:    func(string) bool { return false },
				Names:    func(string) bool { return false },
				Unsynced: func(string, []string) {},
			}
			_, state := tr.Run(t, w.command(w.training(out)...))
			if !met {
				t.Logf("%s at every %d. of %d calls", name, *crashEvery, tr.Number)
				break
			}
			if how == crashtest.Fail && state.Signaled() {
				t.Fatalf("%s: %v", out, state.Signal())
			}
			w.goesOn(out, out)
		}
	}
}

// What the command says to have left is on the disk.
func TestAClaimThatIsPromisedIsOnTheDisk(t *testing.T) {
	w := newTrainee(t, 6, 2)
	out := filepath.Join(w.dir, "trace")
	below := func(path string) bool { return path != out && len(path) > len(out) && path[:len(out)] == out }
	tr := &crashtest.Tracer{
		Folder: out, At: func(int) crashtest.Action { return crashtest.Proceed }, Bytes: below, Names: below,
		Unsynced: func(line string, what []string) {
			for _, path := range what {
				if filepath.Base(path) != "unfinished.safetensors" && filepath.Ext(path) != ".unfinished" { // they have other names by now
					t.Errorf("told %q while not synced: %v", line, path)
				}
			}
		},
	}
	if _, state := tr.Run(t, w.command(w.training("trace")...)); state.ExitStatus() != 0 {
		t.Fatal(state.ExitStatus())
	}
}
