package inrun

import (
	"errors"
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
)

// MaxSamples bounds the training samples of a run.
const MaxSamples = 1 << 28

// Config says what is valued by what.
type Config struct {
	Program *program.Program // of the run
	Profile kernels.Profile  // of the run
	Seed    uint64           // that the run's machine was made with: its dropout's
	Runner  program.Runner   // of the run's machine, best; what is added runs on it too
	X, Y    kernels.Buf      // validation rows and their labels; read, not copied
	Samples int              // training samples, numbered from 0
	Order   int              // of the values, 1 or 2
	// Rows is how many validation rows a step uses. Steps take them in turn: step t those from t*Rows on,
	// from the start again after the last. 0 uses all of them in every step.
	Rows int
	// Forward values by differences of outputs even where pairing rows is cheaper: layers that are all Linear on
	// rows of one position, and few validation rows. The two round differently, so it is part of what is
	// computed.
	Forward bool
}

// Accumulator adds up the values of the samples of a run. It serves one goroutine at a time.
type Accumulator struct {
	config    Config
	plan      *program.Plan
	validator *validator
	pairs     *pairs           // nil where outputs are differenced
	probe     *program.Machine // what is perturbed for that
	direction [][]float32      // validation gradient, in the second order the sum of two
	inputs    int              // elements of a step's inputs

	width    int       // outputs of a row
	outputs  []float32 // of a step's rows
	slopes   []float32 // gradients of the step's loss by them
	products []float64 // contribution of each row

	samples []total
	moved   total // validation losses before steps minus those after them
	pending bool  // the loss after the last step is yet to be taken
	next    uint64
	buf     buffers
}

// New checks the configuration and allocates: the program's buffers once more, those of a batch of
// validation rows, and the outputs of a step twice.
func New(c Config) (*Accumulator, error) {
	a, err := newAccumulator(c)
	if err != nil {
		return nil, fmt.Errorf("inrun: %w", err)
	}
	return a, nil
}

func newAccumulator(c Config) (*Accumulator, error) {
	if c.Program == nil || c.Runner == nil {
		return nil, errors.New("program, runner: both are needed")
	}
	if c.Order != 1 && c.Order != 2 {
		return nil, fmt.Errorf("order: %d is neither 1 nor 2", c.Order)
	}
	if c.Samples < 1 || c.Samples > MaxSamples {
		return nil, fmt.Errorf("samples: %d is outside 1 to %d", c.Samples, MaxSamples)
	}
	a := &Accumulator{config: c}
	var err error
	if a.plan, err = program.Compile(c.Program, c.Profile); err != nil {
		return nil, err
	}
	if !a.plan.Plain() {
		return nil, errors.New("program: graph: tied or frozen parameters or buffers, for which no value is defined")
	}
	if a.plan.Groups() > 1 {
		return nil, errors.New("program: groups: several, for which no value is defined")
	}
	if a.validator, err = newValidator(&c); err != nil {
		return nil, fmt.Errorf("validation: %w", err)
	}
	walked, err := c.Program.Graph.Walk()
	if err != nil {
		return nil, err
	}
	rows := a.plan.X().Shape[0]
	a.inputs, a.width = a.plan.X().Len(), walked[len(walked)-1].Output.Len()
	a.products, a.samples = make([]float64, rows), make([]total, c.Samples)
	if !c.Forward {
		a.pairs = newPairs(&c, walked, a.validator.rows)
	}
	if a.pairs == nil {
		if err := a.newProbe(rows); err != nil {
			return nil, err
		}
	}
	a.buf = newBuffers(len(a.plan.Params()))
	return a, nil
}

// Step computes loss and gradients of step t as m.Gradients(t) does, bit for bit, and adds what each row
// is worth to its sample: row r of the step is sample samples[r]. m.Update(t) follows, as ever, and after it step
// t+1: an accumulator is for consecutive steps. It fails on what Gradients refuses, on samples that do not
// fit, and when a loss or a value is no longer a number below 2^31; the accumulator is of no use then.
func (a *Accumulator) Step(t uint64, m *program.Machine, samples []int) (loss float32, err error) {
	if loss, err = a.step(t, m, samples); err != nil {
		return 0, fmt.Errorf("inrun: step %d: %w", t, err)
	}
	return loss, nil
}

func (a *Accumulator) step(t uint64, m *program.Machine, samples []int) (float32, error) {
	if a.pending && t != a.next {
		return 0, fmt.Errorf("steps must be consecutive: step %d is next", a.next)
	}
	if err := a.check(m, samples); err != nil {
		return 0, err
	}
	before, err := a.before(t, m.Tensors()[:len(m.Grads())])
	if err != nil {
		return 0, err
	}
	value := a.difference
	if a.pairs != nil {
		value = a.pair
	}
	loss, err := value(t, m)
	if err != nil {
		return 0, err
	}
	if err := a.count(before, samples); err != nil {
		return 0, err
	}
	a.pending, a.next = true, t+1
	return loss, nil
}

// check refuses machines of another program and samples that are not there.
func (a *Accumulator) check(m *program.Machine, samples []int) error {
	if len(samples) != len(a.products) {
		return fmt.Errorf("samples: %d given for the %d rows of a step", len(samples), len(a.products))
	}
	for r, s := range samples {
		if s < 0 || s >= len(a.samples) {
			return fmt.Errorf("samples[%d]: %d is outside 0 to %d", r, s, len(a.samples)-1)
		}
	}
	params := a.plan.Params()
	fits := len(m.Grads()) == len(params) && len(m.X().F)+len(m.X().I) == a.inputs
	for k := 0; fits && k < len(params); k++ {
		fits = len(m.Grads()[k]) == params[k].Len()
	}
	if !fits {
		return errors.New("machine: it is of another program")
	}
	return nil
}

// before takes the loss after the last step, if it is due, and leaves the validation gradient of step t in
// the validator. It is what this step adds to moved.
func (a *Accumulator) before(t uint64, params [][]float32) (total, error) {
	v := a.validator
	var moved total
	if err := v.set(params); err != nil {
		return moved, err
	}
	if a.pending && v.rotates() {
		after, _, err := v.machine.Evaluate()
		if err != nil {
			return moved, err
		}
		if moved, err = fixed(-float64(after)); err != nil {
			return moved, fmt.Errorf("validation loss: %w", err)
		}
	}
	v.load(t)
	loss, err := a.validate()
	if err != nil {
		return moved, err
	}
	if a.pending && !v.rotates() {
		return moved, nil // after the last step and before this one: the same
	}
	term, err := fixed(float64(loss))
	if err != nil {
		return moved, fmt.Errorf("validation loss: %w", err)
	}
	moved, _ = moved.add(term) // two terms fit
	return moved, nil
}

// validate computes the validation loss and its gradient, or what that is made of.
func (a *Accumulator) validate() (loss float32, err error) {
	if a.pairs != nil {
		return a.pairs.validate(a.validator.machine)
	}
	return a.validator.machine.Gradients(0)
}

// pair computes step t and leaves the rows' values in products, by pairs.
func (a *Accumulator) pair(t uint64, m *program.Machine) (loss float32, err error) {
	if loss, err = a.pairs.step(t, m, a.products); err != nil {
		return 0, err
	}
	rate, err := a.rate(t, m.Grads())
	if err != nil {
		return 0, err
	}
	share := rate
	if a.config.Order == 2 {
		share = rate / 2
		v := a.validator.machine
		if err := a.perturb(v.Tensors(), m.Tensors(), m.Grads(), float32(rate)); err != nil {
			return 0, err
		}
		if err := a.pairs.again(v, a.products); err != nil {
			return 0, err
		}
	}
	for r := range a.products {
		a.products[r] *= share
	}
	return loss, nil
}

// count adds a step to the sums.
func (a *Accumulator) count(moved total, samples []int) error {
	for r, p := range a.products {
		term, err := fixed(p)
		if err != nil {
			return fmt.Errorf("row %d: a value of %w", r, err)
		}
		s := &a.samples[samples[r]]
		var ok bool
		if *s, ok = s.add(term); !ok {
			return fmt.Errorf("sample %d: its sum is outside -2^63 to 2^63", samples[r])
		}
	}
	a.moved, _ = a.moved.add(moved) // no more than 2^32 steps of 2^32 at most
	return nil
}
