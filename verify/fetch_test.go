package verify_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
)

// shaky is samples of which one changes after so many were read.
type shaky struct {
	*job.Dataset
	reads atomic.Int64
	after int64
}

func (s *shaky) Read(to [][]byte, sample uint64) error {
	err := s.Dataset.Read(to, []int64{int64(sample)})
	if s.reads.Add(1) > s.after {
		to[0][0] ^= 1
	}
	return err
}

func (s *shaky) Leaf(sample uint64) (merkle.Hash, error) {
	batch := s.Layout().Batch(1)
	err := s.Dataset.Read(batch, []int64{int64(sample)})
	return s.Layout().Hasher().Leaf(batch, 0), err
}

func (s *shaky) Place(uint64) string { return "x.npy" }

func TestATrainingWhoseSamplesChangeEndsAtTheFirstOne(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	rows := int64(r.terms.Rows())
	for _, after := range []int64{0, 1, rows, 5*rows - 1} {
		samples := &shaky{Dataset: r.data, after: after}
		data, err := job.DatasetOf(*r.data.Layout(), 40, samples)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "trace")
		steps := uint64(0)
		_, err = verify.Train(context.Background(), verify.Work{
			Terms: r.terms, Data: data, Device: newDevice(t, "cpu", kernels.Auto, 1), Assignment: job.Assignment{Worker: merkle.Hash{1}},
			Progress: func(done uint64, _ float32) { steps = done },
		}, dir)
		if fault.Of(err) != fault.WrongDigest || !strings.HasPrefix(err.Error(), "x.npy: sample ") {
			t.Errorf("after %d: %v", after, err)
		}
		if want := uint64(after / rows); steps != want {
			t.Errorf("after %d reads: %d steps were done, want %d", after, steps, want)
		}
		if _, err := os.Stat(dir); (err == nil) != (steps > 0) { // what was done stays
			t.Errorf("after %d: %d steps, and the folder: %v", after, steps, err)
		}
	}
}

func TestSamplesReadAheadAreThoseOfTheStep(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	assignment := job.Assignment{Worker: merkle.Hash{1}}
	training, err := verify.Begin(context.Background(), verify.Work{Terms: r.terms, Data: r.data, Device: newDevice(t, "cpu", kernels.Auto, 1), Assignment: assignment}, filepath.Join(t.TempDir(), "trace"))
	if err != nil {
		t.Fatal(err)
	}
	order, want := r.terms.Job.OrderFor(assignment), make([]int64, r.terms.Rows())
	for step := range uint64(6) {
		if err := order.Fill(step, want); err != nil {
			t.Fatal(err)
		}
		ids, rows, err := training.Batch()
		if err != nil {
			t.Fatal(err)
		}
		x, y := kernels.Buf{F: make([]float32, len(rows[0].F))}, kernels.Buf{I: make([]int32, len(rows[1].I))}
		if err := r.data.Fill([]kernels.Buf{x, y}, want); err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			if id != want[i] {
				t.Fatalf("step %d: samples %v, want %v", step, ids, want)
			}
		}
		for i := range x.F {
			if rows[0].F[i] != x.F[i] {
				t.Fatalf("step %d: number %d is %v, want %v", step, i, rows[0].F[i], x.F[i])
			}
		}
		if _, err := training.Step(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if err := training.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
