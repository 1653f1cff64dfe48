// Package roundtest makes rounds of federated training for tests and studies: synthetic digits from
// Philox, workers who train a machine for some steps, and the round of their updates. It never checks
// that a worker was honest.
package roundtest

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/verify/program"
)

// Worker is a player's own rows: X has whole rows of the program's input, Y a class for each.
type Worker struct {
	X []float32
	Y []int32
}

// MLP is a classifier with tanh activations, trained by SGD at a constant rate.
func MLP(inputs, classes, batch int, rate float64, hidden ...int) *program.Program {
	return &program.Program{
		Version: program.Version, BatchSize: batch, Accumulation: 1,
		Graph: program.MLP(program.MLPConfig{Inputs: inputs, Hidden: hidden, Classes: classes, Activation: program.Tanh{}}),
		Loss:  program.CrossEntropy, Optimizer: program.Optimizer{Kind: program.SGD},
		Schedule: program.Schedule{Kind: program.Constant, Rate: rate},
	}
}

// Start is a program's first parameters under a seed, in the order of Plan.Params.
func Start(p *program.Program, seed uint64) ([][]float32, error) {
	m, cpu, err := machine(p)
	if err != nil {
		return nil, err
	}
	defer cpu.Close()
	if err := m.Init(seed); err != nil {
		return nil, err
	}
	return clone(m.Tensors()[:len(m.Grads())]), nil
}

// Train is a worker's update: base trained for some steps on the worker's rows, which the steps take in
// turn, minus base.
func Train(p *program.Program, base [][]float32, w Worker, steps int) ([][]float32, error) {
	m, cpu, err := machine(p)
	if err != nil {
		return nil, err
	}
	defer cpu.Close()
	for k, t := range base {
		copy(m.Tensors()[k], t)
	}
	rows, batch := len(w.Y), len(m.Y().I)
	if rows == 0 || len(w.X)%rows != 0 {
		return nil, fmt.Errorf("worker: %d inputs are not whole rows for %d labels", len(w.X), rows)
	}
	width, at := len(w.X)/rows, 0
	for t := range steps {
		for b := range batch {
			copy(m.X().F[b*width:(b+1)*width], w.X[at*width:])
			m.Y().I[b] = w.Y[at]
			at = (at + 1) % rows
		}
		if _, err := m.Gradients(uint64(t)); err != nil {
			return nil, err
		}
		if _, _, err := m.Update(uint64(t)); err != nil {
			return nil, err
		}
	}
	update := clone(m.Tensors()[:len(base)])
	for k, u := range update {
		for e := range u {
			u[e] -= base[k][e]
		}
	}
	return update, nil
}

// New is the round of workers who each train for some steps from the program's start. Sizes are their
// numbers of rows.
func New(p *program.Program, seed uint64, workers []Worker, steps int, validation Worker) (round.Round, error) {
	r := round.Round{Program: p, X: kernels.Buf{F: validation.X}, Y: kernels.Buf{I: validation.Y}}
	var err error
	if r.Base, err = Start(p, seed); err != nil {
		return r, err
	}
	for i, w := range workers {
		u, err := Train(p, r.Base, w, steps)
		if err != nil {
			return r, fmt.Errorf("worker %d: %w", i, err)
		}
		r.Updates = append(r.Updates, u)
		r.Sizes = append(r.Sizes, uint64(len(w.Y)))
	}
	return r, nil
}

// Digits draws rows of a synthetic classification: each class has a centre in [-1,1)^inputs, the same
// for every seed, and a row is its class' centre plus uniform noise within the given bound.
func Digits(rows, inputs, classes int, noise float32, seed uint32) Worker {
	w := Worker{X: make([]float32, rows*inputs), Y: make([]int32, rows)}
	for r := range rows {
		label := r % classes
		w.Y[r] = int32(label)
		for j := range inputs {
			w.X[r*inputs+j] = uniform(uint32(label), uint32(j), 0) + float32(noise*uniform(uint32(r), uint32(j), seed+1))
		}
	}
	return w
}

// uniform is a number in [-1, 1).
func uniform(a, b, c uint32) float32 {
	word := kernels.Philox4x32([4]uint32{a, b, c, 0}, [2]uint32{0x726f756e, 0x64})[0]
	return float32(float32(word>>8)*0x1p-23) - 1
}

// machine is the program's machine on a CPU of its own.
func machine(p *program.Program) (*program.Machine, *kernels.CPU, error) {
	plan, err := program.Compile(p, kernels.ProfileF32)
	if err != nil {
		return nil, nil, err
	}
	cpu, err := kernels.NewCPU(kernels.Options{Threads: 1})
	if err != nil {
		return nil, nil, err
	}
	m, err := program.NewMachine(plan, cpu, 0)
	if err != nil {
		cpu.Close()
		return nil, nil, err
	}
	return m, cpu, nil
}

func clone(tensors [][]float32) [][]float32 {
	c := make([][]float32, len(tensors))
	for k, t := range tensors {
		c[k] = append([]float32(nil), t...)
	}
	return c
}
