package session

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
)

const (
	maxLine  = 4096  // bytes of a question
	maxTimes = 10000 // steps that one asks for
)

// ErrGivenUp is the end of a session whose questions ended before its steps.
var ErrGivenUp = errors.New("the process that asked for steps gave the work up")

// Session serves one training.
type Session struct {
	training *verify.Training
	terms    *verify.Terms
	file     *os.File // of the memory
	hello    hello

	memory []byte
	in     *bufio.Reader
	out    *json.Encoder
}

// New is a session of a training whose tensors lie in a file that the other process has open. Serve speaks on in and out.
func New(t *verify.Training, terms *verify.Terms, memory *os.File, in io.Reader, out io.Writer) *Session {
	h := hello{Version: version, Program: fmt.Sprintf("%x", terms.Program().Digest()), Step: t.Steps(), Steps: terms.Job.Steps, Rows: terms.Rows()}
	h.Batch, h.Bytes = places(terms.Plan.Rows(), 0)
	h.State, h.Bytes = places(terms.Plan.Tensors(), h.Bytes)
	output, bytes := places([]program.TensorSpec{terms.Plan.Output()}, h.Bytes)
	h.Output, h.Bytes = output[0], bytes
	return &Session{training: t, terms: terms, file: memory, hello: h, in: bufio.NewReaderSize(in, maxLine), out: json.NewEncoder(out)}
}

// question is a line of the other process.
type question struct {
	Do    string `json:"do"`
	Times int    `json:"times"` // of a step, at most maxTimes; 0 is once, with one loss
}

// Serve answers until the other process wants to finish; then all steps are done, and Answer is left to give. It does not end
// the training.
func (s *Session) Serve(ctx context.Context) (err error) {
	if err := s.out.Encode(s.hello); err != nil {
		return err
	}
	for {
		q, err := s.ask(ctx)
		if err != nil {
			return err
		}
		if s.memory == nil {
			memory, free, err := Map(s.file, s.hello.Bytes)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, free()) }()
			s.memory = memory
		}
		switch q.Do {
		case "batch":
			err = s.batch()
		case "step":
			err = s.step(ctx, q.Times)
		case "state":
			err = s.state(ctx)
		case "evaluate":
			err = s.evaluate(ctx)
		case "finish":
			return nil
		default:
			err = fmt.Errorf("question: do: %.40q is not batch, step, state, evaluate or finish", q.Do)
		}
		if err != nil {
			return err
		}
	}
}

// Answer gives the answer to the last question.
func (s *Session) Answer(v any) error { return s.out.Encode(v) }

// ask waits for the next question. It returns when the context ends, even if none comes; nobody can be asked then.
func (s *Session) ask(ctx context.Context) (question, error) {
	type asked struct {
		q   question
		err error
	}
	next := make(chan asked, 1) // whoever waits no longer is not waited for
	go func() {
		q, err := s.read()
		next <- asked{q, err}
	}()
	select {
	case a := <-next:
		return a.q, a.err
	case <-ctx.Done():
		return question{}, ctx.Err()
	}
}

func (s *Session) read() (q question, err error) {
	line, err := s.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return q, fmt.Errorf("question: longer than the limit of %d bytes", maxLine)
	case err != nil:
		return q, ErrGivenUp
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil {
		return q, fmt.Errorf("question: %w", err)
	}
	if q.Times < 0 || q.Times > maxTimes || q.Times > 0 && q.Do != "step" {
		return q, fmt.Errorf("question: times: %d of %.40q: want 1 to %d of step", q.Times, q.Do, maxTimes)
	}
	return q, nil
}

func (s *Session) batch() error {
	ids, rows, err := s.training.Batch()
	if err != nil {
		return err
	}
	for i, b := range rows {
		s.hello.Batch[i].put(s.memory, b)
	}
	return s.out.Encode(struct {
		Samples []int64 `json:"samples"`
	}{ids})
}

// done is where the training is.
type done struct {
	Step    uint64    `json:"step"`
	Loss    *float32  `json:"loss,omitempty"`    // of the step before it; the shortest decimal that gives its bits
	Losses  []float32 `json:"losses,omitempty"`  // of all steps that were asked for at once
	Refused string    `json:"refused,omitempty"` // why nothing was evaluated
}

func (s *Session) step(ctx context.Context, times int) error {
	var losses []float32
	for range max(times, 1) {
		before := s.training.Steps()
		loss, err := s.training.Step(ctx)
		if err != nil {
			return err
		}
		losses = append(losses, loss)
		if s.training.Done() && s.training.Steps() > before+1 { // work was kept behind a state that was made anew
			break
		}
	}
	answer := done{Step: s.training.Steps(), Loss: &losses[len(losses)-1]}
	if times > 0 {
		answer.Losses = losses
	}
	return s.out.Encode(answer)
}

func (s *Session) state(ctx context.Context) error {
	err := s.training.State(ctx, func(tensors [][]float32) error {
		for i, t := range tensors {
			putFloats(s.memory[s.hello.State[i].Offset:][:s.hello.State[i].bytes], t)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.out.Encode(done{Step: s.training.Steps()})
}

// evaluate reads the inputs in the memory and leaves the outputs there. Inputs out of their range are refused, and the session
// goes on.
func (s *Session) evaluate(ctx context.Context) error {
	fill := func(inputs []kernels.Buf) {
		for i, b := range inputs {
			s.hello.Batch[i].take(s.memory, b)
		}
	}
	use := func(outputs []float32) { s.hello.Output.put(s.memory, kernels.Buf{F: outputs}) }
	answer := done{Step: s.training.Steps()}
	if err := s.training.Evaluate(ctx, fill, use); fault.Of(err) == fault.OutOfRange {
		answer.Refused = err.Error()
	} else if err != nil {
		return err
	}
	return s.out.Encode(answer)
}
