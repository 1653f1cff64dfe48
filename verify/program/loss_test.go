package program_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/program"
)

// smoothed is a small classifier whose labels are smoothed and masked.
func smoothed() *program.Program {
	p := *small()["mlp"]
	p.Loss, p.Labels = program.MaskedCrossEntropy, &program.Labels{Smoothing: 0.1, Ignore: -100}
	return &p
}

func TestWhatIsDoneWithLabelsIsOfOneLossAndReadAsItIsWritten(t *testing.T) {
	p := smoothed()
	again, err := program.Parse(p.JSON())
	must(t, err)
	if !bytes.Contains(p.JSON(), []byte(`"loss":"masked_cross_entropy","labels":{"smoothing":0.1,"ignore_index":-100},`)) || !bytes.Equal(again.JSON(), p.JSON()) {
		t.Errorf("%s", p.JSON())
	}
	for want, change := range map[string]func(*program.Program){
		`labels: is missing: "masked_cross_entropy" needs it`:      func(p *program.Program) { p.Labels = nil },
		`labels: belongs to the loss "masked_cross_entropy" alone`: func(p *program.Program) { p.Loss = program.CrossEntropy },
		`labels: smoothing: 1 is outside [0, 1)`:                   func(p *program.Program) { p.Labels = &program.Labels{Smoothing: 1} },
		`loss: "nll" is none of "cross_entropy"`:                   func(p *program.Program) { p.Loss = "nll" },
	} {
		p := smoothed()
		change(p)
		if _, err := program.Compile(p, kernels.ProfileF32); err == nil || !strings.Contains(err.Error(), want) || fault.Of(err).Blames() == fault.Machine {
			t.Errorf("error %v, %q wanted", err, want)
		}
	}
}

func TestAnIgnoredLabelIsTakenAndAForeignOneIsNot(t *testing.T) {
	m, _ := machine(t, smoothed(), kernels.Options{Threads: 1})
	must(t, m.Init(5))
	draw(m, 11, 2)
	m.Y().I[1] = -100
	_, err := m.Gradients(0)
	must(t, err)
	m.Y().I[1] = -99
	if _, err := m.Gradients(0); err == nil || !strings.Contains(err.Error(), "y: row 1: -99 is outside") {
		t.Errorf("error %v", err)
	}
}

// TestRowsThatDoNotCountChangeNothing trains on a batch half of which is masked, and on another in their place.
func TestRowsThatDoNotCountChangeNothing(t *testing.T) {
	gradients := func(x float32) (loss float32, all []float32) {
		m, plan := machine(t, smoothed(), kernels.Options{Threads: 1})
		must(t, m.Init(5))
		draw(m, 11, 2)
		rows := plan.X().Shape[0]
		for r := 0; r < rows; r += 2 {
			m.Y().I[r] = -100
			for j := range len(m.X().F) / rows {
				m.X().F[r*len(m.X().F)/rows+j] = x
			}
		}
		loss, err := m.Gradients(0)
		must(t, err)
		for _, g := range m.Grads() {
			all = append(all, g...)
		}
		return loss, all
	}
	loss, grads := gradients(0.5)
	other, others := gradients(-3)
	if loss != other || relative(grads, others) != 0 {
		t.Errorf("losses %v and %v, gradients differ by %v", loss, other, relative(grads, others))
	}
}
