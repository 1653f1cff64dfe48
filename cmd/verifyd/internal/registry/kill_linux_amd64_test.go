package registry

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/crashtest"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Every how many of the calls that change a file the process is killed, or the call fails: 1 is all of them.
var crashEvery = flag.Int("crash.every", 3, "kill and fail at every n-th call that changes a file")

// crashFolder names, in the environment, the registry of a process that is to be killed.
const crashFolder = "VERIFYD_TEST_REGISTRY"

func TestMain(m *testing.M) {
	dir := os.Getenv(crashFolder)
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := Open(dir); err != nil {
		if err := Init(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	r, err := Open(dir)
	sign := signer()
	for _, a := range life {
		var file []byte
		if err == nil {
			file, err = a.do(r, 'a', sign)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Printf("%s\n", file)
	}
	if _, err := r.Judge(member, lived); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(judgedLine)
}

// lived is what is recorded of the claim of [life], and judgedLine tells that it was.
var lived = Judgement{Slot: slot, Claim: merkle.Hash{'a'}, Outcome: verify.Fail, Reason: verify.WrongUpdate}

const judgedLine = "judged"

// below says whether a path is in one of a registry's folders.
func below(path string, folders ...string) bool {
	for _, f := range folders {
		if strings.Contains(path, "/"+f+"/") {
			return true
		}
	}
	return false
}

func TestNothingPromisedIsForgottenWhereverTheProcessIsKilledOrACallFails(t *testing.T) {
	for _, how := range []crashtest.Action{crashtest.Kill, crashtest.Fail} {
		for n := 1; ; n += *crashEvery {
			dir := filepath.Join(t.TempDir(), "registry")
			met := false
			tr := &crashtest.Tracer{
				Folder: dir,
				At: func(at int) crashtest.Action {
					if at == n {
						met = true
						return how
					}
					return crashtest.Proceed
				},
				Bytes:    func(path string) bool { return below(path, unfinished, assignments, receipts, openings, judgedFolder) },
				Names:    func(path string) bool { return below(path, assignments, receipts, openings, judgedFolder) },
				Unsynced: func(line string, what []string) { t.Errorf("call %d: given %q while not synced: %v", n, line, what) },
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), crashFolder+"="+dir)
			output, _ := tr.Run(t, cmd)
			given := strings.Split(output, "\n")
			given = given[:len(given)-1] // cut short: nobody read it
			if !met {
				if len(given) != len(life)+1 {
					t.Fatalf("not interfered with: %q", output)
				}
				break
			}
			r, err := Open(dir)
			if err != nil {
				if len(given) > 0 {
					t.Fatalf("call %d: %v", n, err)
				}
				if err := Init(dir); err != nil {
					t.Fatalf("call %d: %v", n, err)
				}
				if r, err = Open(dir); err != nil {
					t.Fatal(err)
				}
			}
			what := fmt.Sprintf("call %d", n)
			sound(t, r, what)
			again, err := live(r, 'a', signer())
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if len(given) > len(life) {
				if h, err := r.Judged(member); err != nil || len(h) != 1 || h[0] != lived {
					t.Errorf("%s: told of a FAIL, and recorded are %+v, %v", what, h, err)
				}
				given = given[:len(life)]
			}
			for i, file := range given {
				now := string(again[i])
				if life[i].what == "receipt" {
					all, err := r.Receipts(slot)
					if err != nil {
						t.Fatal(err)
					}
					now = string(all[0])
				}
				if now != file {
					t.Errorf("%s: the %s was %q and is %q", what, life[i].what, file, now)
				}
			}
			sound(t, r, what)
		}
	}
}
