package verify_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// ownJob asks for data of each worker's own, and replays all of a claim.
func ownJob(least, most uint64) func(*job.Job) {
	return func(j *job.Job) {
		j.Data.Own, j.Sampled = &job.Own{Least: least, Most: most}, job.Exactly(job.MaxSampled)
	}
}

// alike are so many samples, all of them the same one.
func alike(t *testing.T, samples int) *job.Dataset {
	t.Helper()
	x, y := make([]float32, 7*samples), make([]int32, samples)
	for i := range x {
		x[i] = float32(i % 7)
	}
	return must(job.NewDataset(program.TensorSpec{Name: "x", Shape: []int{samples, 7}}, kernels.Buf{F: x},
		program.TensorSpec{Name: "y", Kind: kernels.I32, Shape: []int{samples}}, kernels.Buf{I: y}))(t)
}

// newOwn is a pool whose worker brings data of its own.
func newOwn(t *testing.T, worker byte, data *job.Dataset, change func(*job.Job)) *verifytest.Pool {
	t.Helper()
	return must(verifytest.NewPool(t.Context(), verifytest.Setting{Worker: newKey(t, worker), Program: mlp(), Data: data, Measured: blobs(t, 40, 7), Job: change}))(t)
}

func TestAWorkersOwnDataAreTrainedOnAndOnlyWhatIsSampledIsOpened(t *testing.T) {
	job := ownJob(2, 1000)
	var jobs []merkle.Hash
	for i, data := range map[byte]int{2: 40, 3: 100, 4: 2} {
		p := newOwn(t, i, blobs(t, data, 7), job)
		traceDir := filepath.Join(t.TempDir(), "trace")
		must(p.Train(t.Context(), newDevice(t, "worker's", kernels.Auto, 1), traceDir))(t)
		v := handIn(t, p, traceDir)
		if f := v.Finding; f.Outcome != verify.Pass || f.Data == nil || *f.Data != p.Data.Set() {
			t.Errorf("%d samples: %+v", data, f)
		}
		jobs = append(jobs, p.Terms.Digest)
	}
	if jobs[0] != jobs[1] || jobs[1] != jobs[2] {
		t.Error("workers with data of their own do not share a job")
	}
}

func TestNobodyTrainsOnOtherDataThanHeCommittedTo(t *testing.T) {
	p := newOwn(t, 2, blobs(t, 40, 7), ownJob(2, 1000))
	traceDir := filepath.Join(t.TempDir(), "trace")
	for name, other := range map[string]*job.Dataset{"as many": alike(t, 40), "one more": blobs(t, 41, 7)} {
		p.Data = other
		if _, err := p.Train(t.Context(), newDevice(t, "worker's", kernels.Auto, 1), traceDir); fault.Of(err) != fault.WrongDigest {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A forger does it all the same: what it opens is not what it committed to.
	p.Data = alike(t, 40)
	must(p.Forge(t.Context(), newCPU(t, kernels.Auto, 1), verifytest.Cheat{}, traceDir))(t)
	if f := handIn(t, p, traceDir).Finding; f.Outcome != verify.Fail || f.Reason != verify.WrongSample {
		t.Errorf("%s, %s", f.Outcome, f.Reason)
	}
}

// TestAnAssignmentHasTheDataThatTheJobAsksFor and no others, however they are named.
func TestAnAssignmentHasTheDataThatTheJobAsksFor(t *testing.T) {
	own, shared := newOwn(t, 2, blobs(t, 40, 7), ownJob(10, 50)), newOwn(t, 2, blobs(t, 40, 7), nil)
	for name, c := range map[string]struct {
		of    *verifytest.Pool
		data  *job.Set
		class fault.Class
	}{
		"its own":           {own, &job.Set{Root: merkle.Hash{1}, Samples: 10}, ""},
		"none":              {own, nil, fault.BadTerms},
		"no root":           {own, &job.Set{Samples: 10}, fault.BadTerms},
		"empty":             {own, &job.Set{Root: merkle.Hash{1}}, fault.BadTerms},
		"a sample too few":  {own, &job.Set{Root: merkle.Hash{1}, Samples: 9}, fault.BadTerms},
		"a sample too many": {own, &job.Set{Root: merkle.Hash{1}, Samples: 51}, fault.BadTerms},
		"none to the job's": {shared, nil, ""},
		"its own in place":  {shared, &job.Set{Root: merkle.Hash{1}, Samples: 40}, fault.BadTerms},
	} {
		_, err := verify.Assign(c.of.Terms, verify.Registration{Worker: merkle.Hash{9}, At: verifytest.Issued.Add(time.Hour), Seed: merkle.Hash{5}, Data: c.data}, c.of.Operator)
		if (err == nil) != (c.class == "") || err != nil && fault.Of(err) != c.class {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDataChosenAfterTheSeedGetAnotherOrder: whoever knows the round cannot put samples where the order suits.
func TestDataChosenAfterTheSeedGetAnotherOrder(t *testing.T) {
	r := newDrandRig(t, before1000, func(j *job.Job) { j.Data.Own = &job.Own{Least: 2, Most: 1000} })
	a := r.assignment()
	for name, change := range map[string]func(*job.Set){
		"another root":      func(s *job.Set) { s.Root[0] ^= 1 },
		"another sample":    func(s *job.Set) { s.Samples++ },
		"another's samples": func(s *job.Set) { *s = blobs(t, 41, 7).Set() },
	} {
		data := *a.Data
		change(&data)
		with := a
		with.Data = &data
		made, err := r.terms.Job.Assign(with, r.terms.Digest)
		if err != nil || made.Seed == a.Seed {
			t.Errorf("%s: %v, the seed stays", name, err)
		}
		made.Seed = a.Seed
		signed := must(made.Sign(r.operator))(t)
		if _, _, err := r.terms.ReadAssignment(signed); fault.Of(err) != fault.BadTerms {
			t.Errorf("%s under the old seed: %v", name, err)
		}
		// Nor does the registration, which is logged before the round, bear the new data out.
		if err := (&job.Registration{Worker: a.Worker, Slot: a.Slot, At: a.Registered, Data: a.Data}).Of(&made, "registration"); fault.Of(err) != fault.WrongClaim {
			t.Errorf("%s, registered with other data: %v", name, err)
		}
	}
}

// TestSamplesThatAreAllAlikeAreOutsideTheGate: cheap training on many copies of one sample is a PASS, as it was done, and the
// segments are named as outside, which costs the worker replays and shows in the finding.
func TestSamplesThatAreAllAlikeAreOutsideTheGate(t *testing.T) {
	p := must(verifytest.NewPool(t.Context(), verifytest.Setting{Program: mlp(), Data: blobs(t, 40, 7), Job: ownJob(1, 1000)}))(t)
	honest := *p
	copies := newOwnLike(t, p, alike(t, 40))
	for name, c := range map[string]struct {
		pool    *verifytest.Pool
		outside bool
	}{"forty samples": {&honest, false}, "forty copies of one": {copies, true}} {
		traceDir := filepath.Join(t.TempDir(), "trace")
		must(c.pool.Train(t.Context(), newDevice(t, "worker's", kernels.Auto, 1), traceDir))(t)
		if f := handIn(t, c.pool, traceDir).Finding; f.Outcome != verify.Pass || (len(f.Outside) > 0) != c.outside {
			t.Errorf("%s: %s, %d segments outside", name, f.Outcome, len(f.Outside))
		}
	}
}

// newOwnLike is another worker of the same job, with other data.
func newOwnLike(t *testing.T, p *verifytest.Pool, data *job.Dataset) *verifytest.Pool {
	t.Helper()
	own, set := *p, data.Set()
	own.Data = data
	own.Documents.Assignment = must(verify.Assign(p.Terms, verify.Registration{
		Worker: keyOf(t, newKey(t, 2)).ID(), Slot: p.Slot, At: verifytest.Issued.Add(time.Hour), Seed: merkle.Hash{5}, Data: &set,
	}, p.Operator))(t)
	return &own
}
