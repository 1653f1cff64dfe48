package verify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// folder is the content of a folder, by path.
type folder map[string][]byte

func readFolder(t testing.TB, dir string) folder {
	t.Helper()
	f := folder{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			f[must(filepath.Rel(dir, path))(t)], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// leave writes the folder to dir.
func (f folder) leave(t testing.TB, dir string) {
	t.Helper()
	if len(f) == 0 {
		return
	}
	if err := os.MkdirAll(filepath.Join(dir, "states"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range f {
		write(t, filepath.Join(dir, name), data)
	}
}

// with is the folder with another content of one file.
func (f folder) with(name string, data []byte) folder {
	other := folder{name: data}
	for n, d := range f {
		if n != name {
			other[n] = d
		}
	}
	return other
}

// differs names a file in which two folders do; empty if in none.
func (f folder) differs(other folder) string {
	for name := range f {
		if !bytes.Equal(f[name], other[name]) {
			return name
		}
	}
	for name := range other {
		if _, ok := f[name]; !ok {
			return name
		}
	}
	return ""
}

// resumer trains one job again and again.
type resumer struct {
	*testing.T
	work  verify.Work
	whole folder // of a training that nothing interrupted
	want  trace.Summary
	told  []trace.Kept // since the last call of resumed
}

func newResumer(t *testing.T) *resumer {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	w := &resumer{T: t, work: must(r.pool().Work(newDevice(t, "worker's", kernels.Auto, 1)))(t)}
	w.work.Resumed = func(k trace.Kept) { w.told = append(w.told, k) }
	dir := filepath.Join(t.TempDir(), "whole")
	w.want = must(verify.Train(t.Context(), w.work, dir))(t)
	w.whole = readFolder(t, dir)
	if len(w.told) > 0 {
		t.Fatalf("a new trace was resumed: %+v", w.told)
	}
	return w
}

// ended is the folder of a training that ends after so many steps.
func (w *resumer) ended(steps uint64) folder {
	w.Helper()
	dir := filepath.Join(w.TempDir(), "trace")
	training := must(verify.Begin(w.Context(), w.work, dir))(w)
	for range steps {
		must(training.Step(w.Context()))(w)
	}
	if err := training.Close(w.Context()); err != nil {
		w.Fatal(err)
	}
	if steps == 0 {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			w.Errorf("no step was done, and %s is there: %v", dir, err)
		}
		return folder{}
	}
	return readFolder(w, dir)
}

// resumed goes on in a folder, and wants the trace that nothing interrupted. It returns how many steps it trained.
func (w *resumer) resumed(what string, f folder) (trained int) {
	w.Helper()
	dir := filepath.Join(w.TempDir(), "trace")
	defer os.RemoveAll(dir)
	f.leave(w, dir)
	w.told = nil
	work := w.work
	work.Progress = func(uint64, float32) { trained++ }
	got, err := verify.Train(w.Context(), work, dir)
	if err != nil {
		w.Errorf("%s: %v", what, err)
		return trained
	}
	if got != w.want {
		w.Errorf("%s: %+v, want %+v", what, got, w.want)
	}
	if name := readFolder(w, dir).differs(w.whole); name != "" {
		w.Errorf("%s: %s is another one", what, name)
	}
	return trained
}

func TestATrainingGoesOnWhereverItEnded(t *testing.T) {
	w := newResumer(t)
	j := w.work.Terms.Job
	for n := range j.Steps + 1 {
		kept := n / j.Stride * j.Stride
		if n == j.Steps {
			kept = n
		}
		f := w.ended(n)
		if trained := w.resumed(fmt.Sprintf("after %d steps", n), f); uint64(trained) != j.Steps-kept {
			t.Errorf("after %d steps: %d more were trained, want %d", n, trained, j.Steps-kept)
		}
		if n == 0 && len(w.told) == 0 {
			continue
		}
		if len(w.told) != 1 || w.told[0].Steps != kept || w.told[0].Repeated != n-kept || w.told[0].Damage != nil {
			t.Errorf("after %d steps: told %+v", n, w.told)
		}
	}
}

func TestATrainingIsResumedAgainAndAgain(t *testing.T) {
	w := newResumer(t)
	dir := filepath.Join(t.TempDir(), "trace")
	for n := uint64(0); ; {
		training := must(verify.Begin(t.Context(), w.work, dir))(t)
		if got := training.Steps(); got != n/3*3 && !training.Done() {
			t.Fatalf("at step %d, ended at %d", got, n)
		}
		for range 4 {
			if !training.Done() {
				must(training.Step(t.Context()))(t)
			}
		}
		if n = training.Steps(); training.Done() {
			if got := must(training.Finish(t.Context()))(t); got != w.want {
				t.Errorf("%+v, want %+v", got, w.want)
			}
			break
		}
		if err := training.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if name := readFolder(t, dir).differs(w.whole); name != "" {
		t.Errorf("%s is another one", name)
	}
}

// Every harm is followed by the trace of an unharmed training, byte for byte, and a byte or a state by no more than a stride of
// repeated steps.
func TestHarmToAnyFileOfAFolderIsMended(t *testing.T) {
	w := newResumer(t)
	j := w.work.Terms.Job
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	finished := w.ended(j.Steps)
	for _, c := range []struct {
		folder
		left uint64 // steps behind the last state
	}{{w.ended(16), j.Steps - 15}, {finished, 0}} {
		for name, data := range c.folder {
			for range 4 {
				bad := bytes.Clone(data)
				at, what := r.IntN(len(bad)), ""
				switch r.IntN(4) {
				case 0, 1:
					bad[at] ^= 1 << r.IntN(8)
					what = fmt.Sprintf("byte %d of %s is flipped", at, name)
				case 2:
					bad = bad[:at]
					what = fmt.Sprintf("%s ends after %d bytes", name, at)
				case 3:
					clear(bad[at:])
					what = fmt.Sprintf("%s is zero from byte %d on", name, at)
				}
				trained := w.resumed(what, c.with(name, bad))
				one := strings.HasPrefix(what, "byte") || strings.HasPrefix(name, "states") || name == trace.FinalFile
				if limit := c.left + j.Stride; one && uint64(trained) > limit {
					t.Errorf("%s: %d steps were trained, at most %d are needed", what, trained, limit)
				}
			}
			gone := c.with(name, nil)
			delete(gone, name)
			if name != "marks.bin" { // without it a folder is no trace
				w.resumed(name+" is gone", gone)
			}
		}
	}
}

func TestAFolderOfOtherWorkIsRefusedAndStaysAsItIs(t *testing.T) {
	w := newResumer(t)
	f := w.ended(10)
	other := must(newRig(t, mlp(), blobs(t, 41, 7), nil).pool().Work(w.work.Device))(t)
	second := w.work
	second.Assignment.Slot++
	torn := f.with("marks.bin", nil)
	for name, c := range map[string]struct {
		work  verify.Work
		in    folder
		words string
		class fault.Class
	}{
		"another job":                  {other, f, "marks.bin: job: work is going on for", fault.WrongJob},
		"another assignment":           {second, f, "marks.bin: assignment: work is going on for", fault.WrongJob},
		"no trace":                     {w.work, folder{"notes.txt": []byte("mine")}, `it holds "notes.txt", and no trace that could go on: name another folder`, fault.WrongType},
		"another one's, marks lost":    {second, torn, "a state of another work: name another folder", fault.WrongJob},
		"another job's, marks lost":    {other, torn, "", fault.WrongJob},
		"a trace without its marks":    {w.work, without(f, "marks.bin"), "no trace that could go on", fault.WrongType},
		"a finished one of other work": {second, w.whole, "marks.bin: assignment: work is going on for", fault.WrongJob},
	} {
		dir := filepath.Join(t.TempDir(), "trace")
		c.in.leave(t, dir)
		_, err := verify.Train(t.Context(), c.work, dir)
		if err == nil || !strings.Contains(err.Error(), c.words) || c.words != "" && fault.Of(err) != c.class {
			t.Errorf("%s: %v of class %s", name, err, fault.Of(err))
		}
		if changed := readFolder(t, dir).differs(c.in); changed != "" {
			t.Errorf("%s: %s was changed", name, changed)
		}
	}
}

func without(f folder, name string) folder {
	less := f.with(name, nil)
	delete(less, name)
	return less
}

func TestTwoTrainingsShareNoFolder(t *testing.T) {
	w := newResumer(t)
	dir := filepath.Join(t.TempDir(), "trace")
	first := must(verify.Begin(t.Context(), w.work, dir))(t)
	if _, err := verify.Begin(t.Context(), w.work, dir); err == nil || !strings.Contains(err.Error(), "another process is at work in this folder") {
		t.Error(err)
	}
	for !first.Done() {
		must(first.Step(t.Context()))(t)
	}
	if got := must(first.Finish(t.Context()))(t); got != w.want {
		t.Errorf("%+v, want %+v", got, w.want)
	}
}

func TestWhatIsInTheWayOfATraceIsNamed(t *testing.T) {
	w := newResumer(t)
	for name, words := range map[string]string{"marks.bin": "where a file is needed", "leaves.bin": "where a file is needed", "digests.bin": "where a file is needed"} {
		dir := filepath.Join(t.TempDir(), "trace")
		w.ended(4).leave(t, dir)
		path := filepath.Join(dir, name)
		if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o755)); err != nil {
			t.Fatal(err)
		}
		if _, err := verify.Train(t.Context(), w.work, dir); err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	path := filepath.Join(t.TempDir(), "file")
	write(t, path, nil)
	if _, err := verify.Train(t.Context(), w.work, path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a file in the folder's place: %v", err)
	}
}

// A device may have been wrong before the crash: what it did is repeated only as far as it is damaged, and what does not follow from
// what is repeated is not kept.
func TestWhatDoesNotFollowFromWhatIsRepeatedIsNotKept(t *testing.T) {
	w := newResumer(t)
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir := filepath.Join(t.TempDir(), "trace")
	p := r.pool()
	must(p.Forge(context.Background(), newCPU(t, kernels.Auto, 1), verifytest.Cheat{Skip: func(step uint64) bool { return step == 4 }}, dir))(t)
	wrong := readFolder(t, dir)
	states := wrong["states/2.safetensors"]
	w.resumed("a step was skipped, and the state behind it is damaged", wrong.with("states/2.safetensors", states[:len(states)-1]))
	if len(w.told) == 0 || w.told[0].Steps != 3 || w.told[0].Damage == nil {
		t.Errorf("told %+v", w.told)
	}
}

func TestAFinishedTraceStaysAsItIs(t *testing.T) {
	w := newResumer(t)
	if trained := w.resumed("finished", w.whole); trained != 0 || len(w.told) != 1 || w.told[0].Steps != w.work.Terms.Job.Steps {
		t.Errorf("%d steps were trained, told %+v", trained, w.told)
	}
}
