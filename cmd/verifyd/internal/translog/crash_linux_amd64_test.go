package translog_test

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/crashtest"
	"github.com/verifyd/verifyd/cmd/verifyd/internal/translog"
	proof "github.com/verifyd/verifyd/proofs/translog"
)

// Every how many of the calls that change a file the process is killed, or
// the call fails: 1 is all of them.
var crashEvery = flag.Int("crash.every", 20, "kill and fail at every n-th call that changes a file")

// crash runs that process on a folder under a tracer.
func crash(t *testing.T, dir string, at func(n int) crashtest.Action) (output string, calls int, state syscall.WaitStatus) {
	t.Helper()
	inJournal := func(path string) bool {
		return strings.HasSuffix(path, "/journal") || strings.Contains(path, "/journal/")
	}
	tr := &crashtest.Tracer{
		Folder: dir,
		At:     at,
		Bytes:  inJournal,
		Names:  inJournal,
		Unsynced: func(line string, what []string) {
			// Where several goroutines append, others may be on their way.
			if line == "0-1\n" || line == "1-300\n" {
				t.Errorf("promised %q while not synced: %v", line, what)
			}
		},
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashFolder+"="+dir)
	output, state = tr.Run(t, cmd)
	return output, tr.Number, state
}

func promised(t *testing.T, output string) (numbers []int) {
	t.Helper()
	for line := range strings.Lines(output) {
		if !strings.HasSuffix(line, "\n") {
			continue // cut short: nobody read it
		}
		var from, to int
		if _, err := fmt.Sscanf(line, "%d-%d\n", &from, &to); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		for i := from; i < to; i++ {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// survives wants a log, after whatever happened to its writer, to be sound as
// it lies there; and once it was opened again, to hold all that was promised,
// each entry once, and to begin with what was published before.
func survives(t *testing.T, dir string, promises []int) {
	t.Helper()
	var before proof.Checkpoint
	switch r, err := translog.Check(t.Context(), dir); {
	case err == nil:
		before = r.Checkpoint
	case errors.Is(err, translog.ErrNoLog) || errors.Is(err, translog.ErrNoCheckpoint):
		if len(promises) > 0 && errors.Is(err, translog.ErrNoLog) {
			t.Fatal(err)
		}
	default:
		t.Fatalf("as it lies: %v", err)
	}
	if err := translog.Init(dir, signer(t, "log")); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	closeLog(t, open(t, dir))

	if r := checked(t, dir); r.Missing != 0 || r.Repeated != 0 || r.Journal != 0 {
		t.Fatalf("opened again: %+v", r)
	}
	f, err := translog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := map[string]bool{}
	for e, err := range f.Entries(0) {
		if err != nil {
			t.Fatal(err)
		}
		in[string(e)] = true
	}
	for _, i := range promises {
		if !in[string(entry(i))] {
			t.Errorf("entry %d was promised and is missing", i)
		}
	}
	if before.Origin == "" {
		return
	}
	text, err := f.Consistency(before.Size)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := proof.NewPolicy(f.Key())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := policy.VerifyConsistency(text, before); err != nil {
		t.Errorf("what was published before: %v", err)
	}
}

func TestNothingPromisedIsLostWhereverTheProcessIsKilled(t *testing.T) {
	if *crashEvery < 1 {
		t.Fatal("-crash.every must be positive")
	}
	first := 1 + rand.IntN(*crashEvery)
	t.Logf("killed at every %d. call, from the %d. on", *crashEvery, first)
	kills := 0
	for n := first; ; n += *crashEvery {
		dir := filepath.Join(t.TempDir(), "log")
		output, calls, state := crash(t, dir, func(at int) crashtest.Action {
			if at == n {
				return crashtest.Kill
			}
			return crashtest.Proceed
		})
		promises := promised(t, output)
		if !state.Signaled() {
			if state.ExitStatus() != 0 || len(promises) != 304 {
				t.Fatalf("not killed: exit status %d, %d promises", state.ExitStatus(), len(promises))
			}
			survives(t, dir, promises)
			t.Logf("killed %d times; a whole run makes %d calls", kills, calls)
			break
		}
		kills++
		survives(t, dir, promises)
		if t.Failed() {
			t.Fatalf("killed at call %d of %s", n, dir)
		}
	}
	if kills == 0 {
		t.Fatal("never killed")
	}
}

func TestNothingPromisedIsLostWhenRecoveryIsKilledToo(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range max(4, 60 / *crashEvery) {
		dir := filepath.Join(t.TempDir(), "log")
		var promises []int
		for range 4 {
			n := 1 + random.IntN(120)
			output, _, _ := crash(t, dir, func(at int) crashtest.Action {
				if at == n {
					return crashtest.Kill
				}
				return crashtest.Proceed
			})
			promises = append(promises, promised(t, output)...)
		}
		survives(t, dir, promises)
	}
}

func TestNothingPromisedIsLostWhenACallFails(t *testing.T) {
	first := 1 + rand.IntN(*crashEvery)
	t.Logf("every %d. call fails, from the %d. on", *crashEvery, first)
	for n := first; ; n += *crashEvery {
		dir := filepath.Join(t.TempDir(), "log")
		failed := false
		output, _, state := crash(t, dir, func(at int) crashtest.Action {
			if at == n {
				failed = true
				return crashtest.Fail
			}
			return crashtest.Proceed
		})
		if state.Signaled() {
			t.Fatalf("call %d: %v", n, state.Signal())
		}
		survives(t, dir, promised(t, output))
		if t.Failed() {
			t.Fatalf("failed at call %d of %s", n, dir)
		}
		if !failed {
			return
		}
	}
}
