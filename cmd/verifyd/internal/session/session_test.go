//go:build unix

package session

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// rig is a job, a training of it in a folder, and both ends of a session's lines.
type rig struct {
	*testing.T
	pool     *verifytest.Pool
	device   engine.Device
	dir      string
	training *verify.Training
	memory   *os.File
	hello    hello
	ask      io.WriteCloser
	answers  *bufio.Reader
	ended    chan error
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigOf(t, verifytest.Setting{Program: verifytest.MLP(), Data: must(verifytest.Blobs(30, 7))(t)})
}

func newRigOf(t *testing.T, setting verifytest.Setting) *rig {
	t.Helper()
	pool := must(verifytest.NewPool(t.Context(), setting))(t)
	cpu := must(kernels.NewCPU(kernels.Options{Threads: 1}))(t)
	t.Cleanup(cpu.Close)
	r := &rig{T: t, pool: pool, device: engine.NewCPU("cpu", cpu, 1), dir: filepath.Join(t.TempDir(), "trace"), ended: make(chan error, 1)}
	r.training = must(verify.Begin(t.Context(), must(pool.Work(r.device))(t), r.dir))(t)
	r.memory = must(os.Create(filepath.Join(t.TempDir(), "memory")))(t)
	t.Cleanup(func() { r.memory.Close() })
	questions, ask := io.Pipe()
	answers, answer := io.Pipe()
	r.ask, r.answers = ask, bufio.NewReader(answers)
	s := New(r.training, pool.Terms, r.memory, questions, answer)
	go func() {
		err := s.Serve(t.Context())
		answer.Close()
		r.ended <- err
	}()
	r.read(&r.hello)
	return r
}

func (r *rig) read(into any) {
	r.Helper()
	if err := json.Unmarshal(must(r.answers.ReadBytes('\n'))(r), into); err != nil {
		r.Fatal(err)
	}
}

func (r *rig) do(what string, into any) {
	r.Helper()
	r.line(`{"do":"`+what+`"}`, into)
}

func (r *rig) line(text string, into any) {
	r.Helper()
	if _, err := io.WriteString(r.ask, text+"\n"); err != nil {
		r.Fatal(err)
	}
	if into != nil {
		r.read(into)
	}
}

// words are the words of a place in the memory.
func (r *rig) words(p Place) []uint32 {
	r.Helper()
	n := 4
	for _, d := range p.Shape {
		n *= d
	}
	data := make([]byte, n)
	if _, err := r.memory.ReadAt(data, int64(p.Offset)); err != nil {
		r.Fatal(err)
	}
	words := make([]uint32, len(data)/4)
	for i := range words {
		words[i] = binary.LittleEndian.Uint32(data[4*i:])
	}
	return words
}

func TestASessionLeavesTheTraceThatTrainingLeaves(t *testing.T) {
	r := newRig(t)
	if err := r.memory.Truncate(int64(r.hello.Bytes)); err != nil {
		t.Fatal(err)
	}
	var last done
	for step := range r.hello.Steps - 2 {
		var batch struct{ Samples []int64 }
		r.do("batch", &batch)
		ids, rows, err := r.training.Batch()
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(ids, batch.Samples) {
			t.Fatalf("step %d: samples %v, the training has %v", step, batch.Samples, ids)
		}
		got := r.words(r.hello.Batch[0])
		for i, v := range rows[0].F {
			if got[i] != math.Float32bits(v) {
				t.Fatalf("step %d: input %d is %x", step, i, got[i])
			}
		}
		if step == 1 {
			r.evaluates(rows[0])
		}
		if r.do("step", &last); last.Step != step+1 || last.Loss == nil {
			t.Fatalf("after step %d: %+v", step, last)
		}
	}
	if r.line(`{"do":"step","times":2}`, &last); last.Step != r.hello.Steps || len(last.Losses) != 2 || last.Losses[1] != *last.Loss {
		t.Fatalf("after the last two steps: %+v", last)
	}
	r.do("state", &last)
	want := must(final(t, r))(t)
	for i, p := range r.hello.State {
		for k, w := range r.words(p) {
			if w != want[i][k] {
				t.Fatalf("%s[%d] is %x, the final state has %x", p.Name, k, w, want[i][k])
			}
		}
	}
	r.do("finish", nil)
	if err := <-r.ended; err != nil {
		t.Fatal(err)
	}
	got := must(r.training.Finish(t.Context()))(t)
	whole := must(r.pool.Train(t.Context(), r.device, filepath.Join(t.TempDir(), "whole")))(t)
	if got != whole {
		t.Errorf("the session's trace is %+v, a run's %+v", got, whole)
	}
}

// evaluates evaluates the next step's own inputs and then half of them twice, which changes what all rows give.
func (r *rig) evaluates(inputs kernels.Buf) {
	r.Helper()
	r.do("evaluate", &done{})
	own := r.words(r.hello.Output)
	x := r.hello.Batch[0]
	half := make([]byte, 2*len(inputs.F))
	if _, err := r.memory.ReadAt(half, int64(x.Offset)); err != nil {
		r.Fatal(err)
	}
	if _, err := r.memory.WriteAt(half, int64(x.Offset)+int64(len(half))); err != nil {
		r.Fatal(err)
	}
	r.do("evaluate", &done{})
	twice := r.words(r.hello.Output)
	n := len(own) / 2
	if !slices.Equal(twice[:n], own[:n]) || !slices.Equal(twice[n:], own[:n]) || slices.Equal(twice[n:], own[n:]) {
		r.Error("outputs are not those of their rows")
	}
}

func TestASessionRefusesToEvaluateIdsOutOfRangeAndGoesOn(t *testing.T) {
	r := newRigOf(t, verifytest.Setting{Program: verifytest.GPT(), Data: must(verifytest.Text(30))(t)})
	if err := r.memory.Truncate(int64(r.hello.Bytes)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.memory.WriteAt([]byte{0xff, 0xff, 0xff, 0x7f}, int64(r.hello.Batch[0].Offset)); err != nil {
		t.Fatal(err)
	}
	var answer done
	if r.do("evaluate", &answer); !strings.Contains(answer.Refused, "x: row 0: 2147483647 is outside 0 to") {
		t.Errorf("%+v", answer)
	}
	if r.do("step", &answer); answer.Step != 1 {
		t.Errorf("after it, %+v", answer)
	}
	if err := r.training.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// final is the final state of the job, trained another time.
func final(t *testing.T, r *rig) (words [][]uint32, err error) {
	dir := filepath.Join(t.TempDir(), "again")
	if _, err := r.pool.Train(t.Context(), r.device, dir); err != nil {
		return nil, err
	}
	read, err := trace.Read(dir, r.pool.Terms.Trace())
	if err != nil {
		return nil, err
	}
	defer read.Close()
	var tensors [][]float32
	for _, s := range r.pool.Terms.Plan.Tensors() {
		tensors = append(tensors, s.Buf().F)
	}
	if _, err := read.Final(tensors); err != nil {
		return nil, err
	}
	for _, x := range tensors {
		w := make([]uint32, len(x))
		for i, v := range x {
			w[i] = math.Float32bits(v)
		}
		words = append(words, w)
	}
	return words, nil
}

func TestASessionEndsWithOneErrorWhateverItIsAsked(t *testing.T) {
	for words, line := range map[string]string{
		"do:":                     `{"do":"fly"}`,
		"unknown field":           `{"do":"step","speed":2}`,
		"times: -1":               `{"do":"step","times":-1}`,
		"times: 10001":            `{"do":"step","times":10001}`,
		"want 1 to 10000 of step": `{"do":"state","times":2}`,
		"steps of the job":        `{"do":"step","times":10000}`,
		"longer than the limit":   `{"do":"` + strings.Repeat("x", maxLine) + `"}`,
		"question:":               "\x00\xff",
		"gave the work up":        "",
		"memory: 0 bytes":         `{"do":"step"}`,
		"memory: 0 bytes, ":       `{"do":"batch"}`,
		"invalid character":       `step`,
		"cannot unmarshal number": `{"do":7}`,
	} {
		r := newRig(t)
		if !strings.HasPrefix(words, "memory") {
			if err := r.memory.Truncate(int64(r.hello.Bytes)); err != nil {
				t.Fatal(err)
			}
		}
		if line == "" {
			r.ask.Close()
		} else {
			go func() { _, _ = io.WriteString(r.ask, line+"\n") }() // what is refused is not read to its end
		}
		if err := <-r.ended; err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%.40q: %v, want %q", line, err, words)
		}
		if err := r.training.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(r.dir); errors.Is(err, os.ErrNotExist) == (words == "steps of the job") { // once a step is done, its trace stays
			t.Errorf("%.40q: %s: %v", line, r.dir, err)
		}
	}
}

func TestASessionOfWhichNothingIsAskedEndsWithItsContext(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r := newRig(t)
	silent, _ := io.Pipe()
	s := New(r.training, r.pool.Terms, r.memory, silent, io.Discard)
	stop()
	if err := s.Serve(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzQuestionsAreReadOrRefused(f *testing.F) {
	f.Add([]byte(`{"do":"step"}` + "\n"))
	f.Add([]byte("{\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &Session{in: bufio.NewReaderSize(bytes.NewReader(data), maxLine)}
		for {
			if _, err := s.read(); err != nil {
				return
			}
		}
	})
}
