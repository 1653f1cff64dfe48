package verify_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// models are small programs of each family, with data for them.
func models(t *testing.T) map[string]struct {
	program *program.Program
	data    *job.Dataset
} {
	t.Helper()
	return map[string]struct {
		program *program.Program
		data    *job.Dataset
	}{
		"mlp": {mlp(), blobs(t, 40, 7)},
		"cnn": {verifytest.CNN(), must(verifytest.Images(33))(t)},
		"gpt": {verifytest.GPT(), must(verifytest.Text(21))(t)},
	}
}

func TestThreeHundredStepsAndTheirReplayAreTheSameOnEveryCodePathAndThreadCount(t *testing.T) {
	for name, m := range models(t) {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, m.program, m.data, func(j *job.Job) { j.Steps, j.Stride, j.Sampled = 300, 10, job.Exactly(job.MaxSampled) })
			var first *verify.Verdict
			var claimed trace.Summary
			var bundle string
			for _, isa := range kernels.Available() {
				for _, threads := range []int{1, 2, 8} {
					dir, summary := r.train(newCPU(t, isa, threads))
					if first == nil {
						claimed, bundle = summary, r.bundle(dir)
					}
					if summary != claimed {
						t.Fatalf("%v, %d threads: training gives another claim", isa, threads)
					}
					v := r.judge(bundle, r.options(isa, threads))
					if f := v.Finding; f.Outcome != verify.Pass || f.Reason != verify.Honest || f.First != nil || f.Replayed != 300 {
						t.Fatalf("%v, %d threads: %+v", isa, threads, f)
					}
					if first == nil {
						first = v
					}
					if v.Evidence != first.Evidence || !reflect.DeepEqual(v.Finding, first.Finding) {
						t.Errorf("%v, %d threads: another finding or evidence root", isa, threads)
					}
				}
			}
		})
	}
}

func TestAVerdictSaysWhatWasSampled(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, summary := r.train(newCPU(t, kernels.Auto, 2))
	v := r.judge(r.bundle(dir), r.options(kernels.Auto, 1))
	f := v.Finding
	if f.Segments != 8 || f.Sampled != 3 || f.Steps != 23 || f.Challenged[len(f.Challenged)-1] != 7 {
		t.Errorf("sampling: %+v", f)
	}
	if f.Final != summary.Final || f.Root != summary.Root || f.Worker != keyOf(t, r.worker).ID() || f.Slot != 1 || f.Job != r.terms.Digest {
		t.Errorf("claim: %+v", f)
	}
	if f.Profile != kernels.ProfileF32 || f.Beacon != "fixed" || f.Round != 1 || f.Randomness != secret {
		t.Errorf("%+v", f)
	}
	replayed := uint64(0)
	if len(f.Directed) != 3 {
		t.Errorf("%d directed", f.Directed)
	}
	for _, s := range append(f.Directed, f.Challenged...) {
		_, count := r.terms.Job.Segment(s)
		replayed += count
	}
	if f.Replayed != replayed {
		t.Errorf("%d steps replayed, %d challenged or directed", f.Replayed, replayed)
	}
}

func TestAClaimIsChallengedByARealDrandRound(t *testing.T) {
	// Quicknet's round 1000 was published 2,997 seconds after its genesis; the job's delay is 6, and so is that of
	// the round which gives the seed of the worker's order.
	r := newDrandRig(t, time.Unix(1692803367+2997-6, 0))
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	f := r.judge(r.bundle(dir), r.options(kernels.Auto, 1)).Finding
	if f.Outcome != verify.Pass || f.Beacon != beacon.Quicknet || f.Round != 1000 {
		t.Errorf("%+v", f)
	}
	r.arrived = r.arrived.Add(time.Second) // the round before would have been known
	if _, err := r.tryBundle(dir); err == nil || !strings.HasPrefix(err.Error(), "beacon.json: round: 1000, 1001 is due") {
		t.Error(err)
	}
}

func TestClaimsAreFixedForAllTimeAndEveryProcessor(t *testing.T) {
	for name, want := range map[string]string{
		"mlp": "947779a92e571bdd21a9f341f7385e80d46600a3cd583ee709f5fc1539360b2d",
		"cnn": "43b6e549b287b16e8840caf23ca966def4fdc1b12362671a889e440d578532fe",
		"gpt": "29257f0d8a9abcef428bcc2bfee3f21154e159b8e249e08dc21e1e68418045d7",
	} {
		m := models(t)[name]
		r := newRig(t, m.program, m.data, nil)
		if _, s := r.train(newCPU(t, kernels.Auto, 1)); s.Root.String() != want {
			t.Errorf("%s: root %v, want %s: the program's encoding, the order of samples or the bits have changed", name, s.Root, want)
		}
	}
}

// round1000 is a round of quicknet, as it was published.
var round1000 = beacon.Beacon{
	Chain: beacon.Quicknet, Round: 1000,
	Value: "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
}

// newDrandRig is a rig whose worker is registered and claims at a time, and whose beacons are both round 1000. Change may
// alter the job besides.
func newDrandRig(t testing.TB, at time.Time, change ...func(*job.Job)) *rig {
	t.Helper()
	return newDrandRigOf(t, 2, at, change...)
}

// newDrandRigOf is that of the worker with the key of a number.
func newDrandRigOf(t testing.TB, number byte, at time.Time, change ...func(*job.Job)) *rig {
	t.Helper()
	operator, worker := newKey(t, 1), newKey(t, number)
	pool := must(verifytest.NewPool(t.Context(), verifytest.Setting{
		Operator: operator, Worker: worker, Program: mlp(), Data: blobs(t, 40, 7), Slot: 1, Registered: at, Round: &round1000,
		Job: func(j *job.Job) {
			j.Issued, j.Beacon = at.Unix(), beacon.Chain{Name: beacon.Quicknet}
			for _, change := range change {
				change(j)
			}
		},
	}))(t)
	r := &rig{t: t, operator: operator, worker: worker, data: pool.Data, terms: pool.Terms, docs: pool.Documents, arrived: at}
	r.docs.Beacon = must(document.Encode(round1000))(t)
	return r
}
