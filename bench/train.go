package bench

import (
	"context"
	"embed"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

//go:embed peers/torch_step.py peers/torch_models.py
var torchSources embed.FS

// torch is a PyTorch to compare with.
type torch struct {
	name        string
	python      []string // the first of these that has it
	arguments   []string
	environment []string
	install     string
}

// torches are the distribution's PyTorch, whose Python is the system's, and the one that peers/torch.sh installs,
// as it is and compiled.
func torches() []torch {
	stubs := []string{"LD_LIBRARY_PATH=build/torch/stubs"}
	current, how := []string{"build/torch/bin/python"}, "run bench/peers/torch.sh"
	return []torch{
		{"PyTorch of the distribution", []string{"/usr/bin/python3", "python3"}, nil, nil, "install python3-torch and python3-numpy (Debian), or torch and numpy by pip"},
		{"current PyTorch", current, nil, stubs, how},
		{"current PyTorch, compiled", current, []string{"compiled"}, stubs, how},
	}
}

// start starts peers/torch_step.py with the threads.
func (t torch) start(ctx context.Context, dir string, threads int) (*Peer, error) {
	script := filepath.Join(dir, "torch_step.py")
	if err := writeTorch(dir); err != nil {
		return nil, err
	}
	python := ""
	var failed error
	for _, candidate := range t.python {
		try := exec.CommandContext(ctx, candidate, "-c", "import torch, numpy")
		try.Env = append(os.Environ(), t.environment...)
		if failed = try.Run(); failed == nil {
			python = candidate
			break
		}
	}
	if python == "" {
		return nil, fmt.Errorf("%w: %s: %s: %w", ErrNoPeer, t.name, t.install, failed)
	}
	n := fmt.Sprint(threads)
	// PyTorch's OpenMP and the BLAS under it may each have a pool of threads that spin while they wait, on the same
	// cores. Waiting asleep makes a step of two threads up to three times faster, so that is what we compare with.
	environment := append([]string{"OMP_NUM_THREADS=" + n, "OPENBLAS_NUM_THREADS=" + n, "MKL_NUM_THREADS=" + n, "OMP_WAIT_POLICY=PASSIVE"}, t.environment...)
	return startPeer(ctx, environment, python, append([]string{script, n}, t.arguments...)...)
}

// writeTorch leaves what steps PyTorch in a folder.
func writeTorch(dir string) error {
	for _, name := range []string{"torch_step.py", "torch_models.py"} {
		source, err := torchSources.ReadFile("peers/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), source, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// measureTrain compares a training step of each model with PyTorch's, old and new, with one thread and with two.
func (s *session) measureTrain(ctx context.Context) error {
	return s.measureSteps(ctx, "train", models(s.options.Quick), torches())
}

// measureExported compares a training step of these models and of those that verifyd.export made programs of with the current
// PyTorch's, as it is and compiled.
func (s *session) measureExported(ctx context.Context) error {
	all, err := exportedModels(s.options.Quick)
	if err != nil {
		return err
	}
	own := models(s.options.Quick)
	for i := range own[1:] {
		own[i+1].asked = 1
	}
	return s.measureSteps(ctx, "models", append(own, all...), torches()[1:])
}

// measureSteps compares a training step of each model with PyTorches'.
func (s *session) measureSteps(ctx context.Context, group string, models []model, with []torch) error {
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
		for _, t := range with {
			for _, threads := range []int{1, 2} {
				p, err := t.start(ctx, s.dir, threads)
				if err != nil {
					return err
				}
				s.report.Peers = append(s.report.Peers, p.Version)
				peers = append(peers, p)
			}
		}
	}
	for _, m := range models {
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
			if len(peers) == 0 {
				s.add(s.compare(group, m.title, i+1, samples[i], nil, "PyTorch"))
			}
			for k := i; k < len(peers); k += len(s.cpus) {
				version, _, _ := strings.Cut(peers[k].Version, ",")
				row := s.compare(group, m.title, i+1, samples[i], samples[len(s.cpus)+k:], version)
				row.Limit, row.Goal = m.asked, m.goal
				s.add(row)
			}
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
		most := 1e-4
		if step == 2 && m.name == "resnet18" {
			most = 1e-3 // batch norm of 16 images enlarges what two updates round otherwise
		}
		if d := math.Abs(loss/want - 1); !(d <= most) {
			return fmt.Errorf("%s: the loss of step %d is %g here and %g in %s", m.name, step, loss, want, p.Version)
		}
	}
	return nil
}
