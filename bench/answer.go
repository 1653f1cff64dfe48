package bench

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
	"github.com/verifyd/verifyd/verify/walk"
)

// fifty makes a job one of fifty segments of a step, five of which are drawn and the last one besides.
func fifty(j *job.Job) { j.Steps, j.Stride, j.Slots, j.Sampled = 50, 1, 1, job.Exactly(5) }

// measureAnswer compares what a worker answers a challenge with: the states of all boundaries read and hashed for slices of
// them, a step measured of each segment that is opened, and these segments written, with writing the segments alone that
// were drawn, which is what an opening was before there was a gate.
func (s *session) measureAnswer(ctx context.Context) error {
	rounds, warm := s.rounds(11)
	m := models(s.options.Quick)[0]
	dir := filepath.Join(s.dir, "answer")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	t, err := newTrainer(m, s.cpus[0])
	if err != nil {
		return err
	}
	data, err := job.NewDataset(t.plan.X(), t.machine.X(), t.plan.Y(), t.machine.Y())
	if err != nil {
		return err
	}
	device := engine.NewCPU("cpu", s.cpus[0], 1)
	pool, err := verifytest.NewPool(ctx, verifytest.Setting{Program: &m.program, Data: data, Device: device, Job: fifty})
	if err != nil {
		return err
	}
	traced := filepath.Join(dir, "trace")
	summary, err := pool.Train(ctx, device, traced)
	if err != nil {
		return err
	}
	if err := pool.Claim(summary); err != nil {
		return err
	}
	read, err := trace.Read(traced, pool.Terms.Trace())
	if err != nil {
		return err
	}
	defer read.Close()
	var drawn []Sample // of the segments that were drawn alone
	answer := func() (Sample, error) {
		var began time.Time
		var cpu time.Duration
		segments := 0
		out := filepath.Join(dir, "bundle")
		all, err := timed(1, func() error {
			return verify.Answer(ctx, verify.Response{
				Terms: pool.Terms, Documents: pool.Documents, Trace: read, Data: data, Signer: pool.Worker, Device: device,
				Walked: func(w walk.Trail) { began, cpu, segments = time.Now(), processTime(), len(w.Order) },
			}, out)
		})
		if err != nil {
			return all, err
		}
		// The segments are alike, so that those which were drawn take their share.
		share := func(d time.Duration) time.Duration { return d * 6 / time.Duration(segments) }
		drawn = append(drawn, Sample{Wall: share(time.Since(began)), CPU: share(processTime() - cpu)})
		return all, os.RemoveAll(out)
	}
	samples, err := Alternate(rounds, warm, 0, Contender{Name: "answer", Run: answer})
	if err != nil {
		return err
	}
	name := fmt.Sprintf("answer to a challenge of 5 of 50 segments, beside opening the drawn ones and the last one alone, %s", m.title)
	s.add(s.compare("answer", name, 1, samples[0], [][]Sample{drawn[len(drawn)-rounds:]}, "drawn ones alone"))
	return nil
}
