//go:build unix

package main

import (
	"bytes"
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
	"time"
)

// How often a training is killed.
var kills = flag.Int("kills", 4, "kill a training at so many random times")

// trainee is a worker's folder, with a job in it and an assignment.
type trainee struct {
	*testing.T
	dir   string
	whole map[string][]byte // what a training leaves that nothing interrupts
}

func newTrainee(t *testing.T, steps, stride int) *trainee {
	t.Helper()
	w := &trainee{T: t, dir: t.TempDir()}
	p := fixtureProgram()
	if err := os.WriteFile(filepath.Join(w.dir, "program.json"), p.JSON(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writeData(filepath.Join(w.dir, "data.safetensors"), 0); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{
		"keys new operator.pem --role operator",
		"keys new worker.pem --role worker",
		fmt.Sprintf("job new --program program.json --data data.safetensors --key operator.pem --audience urn:db:test --steps %d --stride %d --sampled 2 --beacon fixed --reveal secret.json --delay 0s --deadline 1h --seed 7 --out job", steps, stride),
		"registry init registry",
		"job assign worker.pem.pub --job job --registry registry --key operator.pem --out assignment.json",
	} {
		w.run(strings.Fields(line)...)
	}
	w.run(w.training("whole")...)
	w.whole = w.left("whole")
	return w
}

// command is a verifyd.
func (w *trainee) command(arguments ...string) *exec.Cmd {
	w.Helper()
	self, err := os.Executable()
	if err != nil {
		w.Fatal(err)
	}
	cmd := exec.Command(self, arguments...)
	cmd.Dir, cmd.Env = w.dir, append(os.Environ(), isVerifyd+"=1")
	return cmd
}

func (w *trainee) run(arguments ...string) (stderr string) {
	w.Helper()
	cmd := w.command(arguments...)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		w.Fatalf("%v: %v: %s", arguments, err, said.String())
	}
	return said.String()
}

// training is the command that trains into a folder.
func (w *trainee) training(out string) []string {
	return strings.Fields("train run job --assignment assignment.json --operator operator.pem.pub --data data.safetensors --key worker.pem --device cpu --threads 1 --out " + out)
}

// left is the content of a folder, without the signature.
func (w *trainee) left(out string) map[string][]byte {
	w.Helper()
	files := map[string][]byte{}
	err := filepath.WalkDir(filepath.Join(w.dir, out), func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "claim.json" {
			files[strings.TrimPrefix(path, filepath.Join(w.dir, out))], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	return files
}

// goesOn ends the training in a folder, and wants what nothing interrupted.
func (w *trainee) goesOn(what, out string) (stderr string) {
	w.Helper()
	stderr = w.run(w.training(out)...)
	got := w.left(out)
	for name, data := range w.whole {
		if !bytes.Equal(got[name], data) {
			w.Errorf("%s: %s is another one", what, name)
		}
	}
	for name := range got {
		if w.whole[name] == nil {
			w.Errorf("%s: %s is left", what, name)
		}
	}
	if _, err := os.Stat(filepath.Join(w.dir, out, "claim.json")); err != nil {
		w.Errorf("%s: %v", what, err)
	}
	return stderr
}

func TestATrainingThatIsKilledAtAnyTimeComesToTheSameClaim(t *testing.T) {
	const steps, stride, leaf = 1500, 10, 144
	w := newTrainee(t, steps, stride)
	met := map[string]int{}
	for n := range *kills {
		out := fmt.Sprintf("killed-%d", n)
		cmd := w.command(w.training(out)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		at := rand.Int64N(steps * leaf) // when so much of the leaves is written
		for size := int64(0); size < at && len(ended) == 0; time.Sleep(100 * time.Microsecond) {
			if info, err := os.Stat(filepath.Join(w.dir, out, "leaves.bin")); err == nil {
				size = info.Size()
			}
		}
		_ = cmd.Process.Signal(syscall.SIGKILL)
		<-ended
		said := w.goesOn(out, out)
		switch {
		case strings.Contains(said, "finished before"):
			met["finished"]++
		case strings.Contains(said, "resumed at step"):
			met["resumed"]++
			var at, total, repeated int
			_, line, _ := strings.Cut(said, "resumed at")
			if _, err := fmt.Sscanf(line, " step %d of %d, %d repeated", &at, &total, &repeated); err != nil || at%stride != 0 || total != steps || repeated > stride {
				t.Errorf("%s: told %q", out, said)
			}
		default:
			met["from the beginning"]++
		}
		if err := os.RemoveAll(filepath.Join(w.dir, out)); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d kills: %v", *kills, met)
}
