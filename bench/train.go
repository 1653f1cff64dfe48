package bench

import (
	"context"
	_ "embed"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed peers/torch_step.py
var torchSource []byte

// startTorch starts peers/torch_step.py with the threads. It takes the system's Python before the one on
// the path, because that is the one that the distribution's PyTorch belongs to.
func startTorch(ctx context.Context, dir string, threads int) (*Peer, error) {
	script := filepath.Join(dir, "torch_step.py")
	if err := os.WriteFile(script, torchSource, 0o644); err != nil {
		return nil, err
	}
	python := ""
	var failed error
	for _, candidate := range []string{"/usr/bin/python3", "python3"} {
		if failed = exec.CommandContext(ctx, candidate, "-c", "import torch, numpy").Run(); failed == nil {
			python = candidate
			break
		}
	}
	if python == "" {
		return nil, fmt.Errorf("%w: PyTorch: install python3-torch and python3-numpy (Debian), or torch and numpy by pip: %w", ErrNoPeer, failed)
	}
	n := fmt.Sprint(threads)
	// PyTorch's OpenMP and the BLAS under it may each have a pool of threads that spin while they wait, on the same
	// cores. Waiting asleep makes a step of two threads up to three times faster, so that is what we compare with.
	environment := []string{"OMP_NUM_THREADS=" + n, "OPENBLAS_NUM_THREADS=" + n, "MKL_NUM_THREADS=" + n, "OMP_WAIT_POLICY=PASSIVE"}
	return startPeer(ctx, environment, python, script, n)
}

// measureTrain compares a training step of each model with PyTorch's, with one thread and with two.
func (s *session) measureTrain(ctx context.Context) error {
	rounds, warm := s.rounds(15)
	settle := 50 * time.Millisecond
	if s.options.Quick {
		settle = 0
	}
	var peers []*Peer
	defer func() {
		for _, p := range peers {
			p.Close()
		}
	}()
	if !s.options.NoPeers {
		for _, threads := range []int{1, 2} {
			p, err := startTorch(ctx, s.dir, threads)
			if err != nil {
				return err
			}
			s.report.Peers = append(s.report.Peers, p.Version)
			peers = append(peers, p)
		}
	}
	for _, m := range models(s.options.Quick) {
		if err := ctx.Err(); err != nil {
			return err
		}
		var contenders []Contender
		for _, cpu := range s.cpus {
			t, err := newTrainer(m, cpu)
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			if err := t.write(m.file(s.dir)); err != nil {
				return err
			}
			contenders = append(contenders, Contender{
				Name: fmt.Sprintf("verifyd, %d threads", cpu.Threads()),
				Run:  func() (Sample, error) { return timed(m.steps, t.train) },
			})
		}
		for _, p := range peers {
			if err := s.sameStart(m, p); err != nil {
				return err
			}
			contenders = append(contenders, Contender{Name: p.Version, Run: func() (Sample, error) {
				return p.Time(fmt.Sprintf("step %d", m.steps))
			}})
		}
		samples, err := Alternate(rounds, warm, settle, contenders...)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for i := range s.cpus {
			var peer [][]Sample
			if len(peers) > 0 {
				peer = samples[2+i:]
			}
			row := s.compare("train", m.title, i+1, samples[i], peer, "PyTorch")
			row.Limit = 0.8
			s.add(row)
		}
	}
	return nil
}

// sameStart gives a peer the model's start and makes both sides train some steps from it. The losses must agree,
// so that what is timed is the same work; they drift apart as roundings differ.
func (s *session) sameStart(m model, p *Peer) error {
	t, err := newTrainer(m, s.cpus[0])
	if err != nil {
		return err
	}
	var zero, count int
	if err := p.Ask(fmt.Sprintf("setup %s %s", m.name, m.file(s.dir)), &zero, &count); err != nil {
		return err
	}
	ours := 0
	for _, spec := range t.plan.Params() {
		ours += spec.Len()
	}
	if count != ours {
		return fmt.Errorf("%s: %d parameters here and %d in %s", m.name, ours, count, p.Version)
	}
	var theirs [3]float64
	if err := p.Ask("losses 3", &theirs[0], &theirs[1], &theirs[2]); err != nil {
		return err
	}
	for step, want := range theirs {
		loss, err := t.loss()
		if err != nil {
			return err
		}
		if d := math.Abs(loss/want - 1); !(d <= 1e-4) {
			return fmt.Errorf("%s: the loss of step %d is %g here and %g in %s", m.name, step, loss, want, p.Version)
		}
	}
	return nil
}
