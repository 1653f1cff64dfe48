package verify_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// before1000 is a delay of two periods before drand's round 1000.
var before1000 = time.Unix(1692803367+2997-6, 0)

// newRegistered is a watched rig whose chain has rounds: worker and claim both came six seconds before round 1000.
func newRegistered(t testing.TB) *watched { return newRegisteredOf(t, 2) }

// newRegisteredOf is that of the worker of a number.
func newRegisteredOf(t testing.TB, worker byte) *watched {
	t.Helper()
	w := &watched{log: verifytest.NewLog("log.example/pool"), by: []*verifytest.Witness{verifytest.NewWitness("w1.example"), verifytest.NewWitness("w2.example")}}
	w.rig = newDrandRigOf(t, worker, before1000, func(j *job.Job) {
		j.Steps, j.Stride, j.Sampled, j.Log = 4, 2, job.Exactly(2), w.log.Terms(2, w.by...)
	})
	w.trace, _ = w.train(newCPU(t, kernels.Auto, 1))
	w.bundle = w.dated(w.rig.bundle(w.trace))
	return w
}

func TestARegistrationMustBeSeenBeforeTheRoundThatGivesTheSeed(t *testing.T) {
	w := newRegistered(t)
	if v, err := w.at(w.bundle, longAfter); err != nil || v.Finding.Outcome != verify.Pass || v.Finding.Word != verify.WitnessesWord {
		t.Fatalf("%+v, %v", v, err)
	}
	a := w.assignment()
	good := job.Registration{Version: job.RegistrationVersion, Job: a.Job, Worker: a.Worker, Slot: a.Slot, At: a.Registered}
	last := before1000.Unix() + 5 // in which the registration may be seen
	const file, proof = verify.RegistrationFile, verify.RegistrationProofFile
	// says has the operator sign and log another registration in time.
	says := func(change func(*job.Registration)) func(b string) {
		return func(b string) {
			other := good
			change(&other)
			write(t, filepath.Join(b, file), must(document.Sign(job.RegistrationKind, other, w.operator))(t))
			w.proves(b, file, last, w.by...)
		}
	}
	for name, c := range map[string]struct {
		spoil func(b string)
		class fault.Class
		file  string
	}{
		"no registration":         {func(b string) { remove(t, b, file) }, fault.Missing, file},
		"no proof":                {func(b string) { remove(t, b, proof) }, fault.Missing, proof},
		"seen with the round out": {func(b string) { w.proves(b, file, last+1, w.by...) }, fault.Undated, proof},
		"seen by one of two":      {func(b string) { w.proves(b, file, last, w.by[0]) }, fault.BadSignature, proof},
		"seen by nobody":          {func(b string) { w.proves(b, file, last) }, fault.BadSignature, proof},
		"the proof of the assignment": {func(b string) {
			write(t, filepath.Join(b, proof), read(t, b, verify.AssignmentProofFile))
		}, fault.WrongDigest, proof},
		"by the worker itself":   {func(b string) { w.sign(filepath.Join(b, file), job.RegistrationKind, good) }, fault.BadSignature, file},
		"an assignment in place": {func(b string) { write(t, filepath.Join(b, file), read(t, b, verify.AssignmentFile)) }, fault.WrongType, file},
		"nothing":                {func(b string) { write(t, filepath.Join(b, file), nil) }, fault.BadForm, file},
		"another version":        {says(func(r *job.Registration) { r.Version += "x" }), fault.UnknownVersion, file},
		"another job's":          {says(func(r *job.Registration) { r.Job[0] ^= 1 }), fault.WrongJob, file},
		"another worker's":       {says(func(r *job.Registration) { r.Worker[0] ^= 1 }), fault.WrongClaim, file},
		"another slot's":         {says(func(r *job.Registration) { r.Slot ^= 1 }), fault.WrongClaim, file},
		"a second later":         {says(func(r *job.Registration) { r.At++ }), fault.WrongClaim, file},
		"long before":            {says(func(r *job.Registration) { r.At -= 3000 }), fault.WrongClaim, file},
		"signed again, not logged": {func(b string) {
			write(t, filepath.Join(b, file), must(document.Sign(job.RegistrationKind, good, w.operator))(t))
		}, fault.WrongDigest, proof},
		"signed again, logged late": {func(b string) { says(func(*job.Registration) {})(b); w.proves(b, file, last+100, w.by...) }, fault.Undated, proof},
	} {
		b := copyBundle(t, w.bundle)
		c.spoil(b)
		for _, after := range []time.Duration{0, longAfter} {
			v, err := w.at(b, after)
			var e *fault.Error
			if fault.Of(err) != c.class || v != nil || !errors.As(err, &e) || e.File != c.file {
				t.Errorf("%s: %+v, %v", name, v, err)
			}
		}
	}
}

// TestAnOrderThatSuitsCannotBeDatedBack plays an operator and a worker who look for a past round whose seed they like.
func TestAnOrderThatSuitsCannotBeDatedBack(t *testing.T) {
	w := newRegistered(t)
	a := w.assignment()
	suits := job.Registration{Job: a.Job, Worker: a.Worker, Slot: a.Slot, At: a.Registered}
	file := must(suits.Sign(w.operator))(t)
	for _, later := range []int64{6, 7, 3600, 1 << 30} { // the round is out: the seed can be looked at
		proof := must(w.log.Enter(file, suits.At+later, w.by...))(t)
		if err := w.terms.Registered(&a, file, proof); fault.Of(err) != fault.Undated {
			t.Errorf("logged %d s after: %v", later, err)
		}
	}
	if err := w.terms.Registered(&a, file, must(w.log.Enter(file, suits.At+5, w.by...))(t)); err != nil {
		t.Error(err)
	}
}

func TestARegistrationIsAskedForWhereTheJobHasALogAndItsChainRounds(t *testing.T) {
	for name, r := range map[string]*rig{
		"no log":        newDrandRig(t, before1000),
		"a fixed chain": newWatched(t).rig,
	} {
		a := r.assignment()
		if r.terms.Registers() || r.terms.Registered(&a, nil, nil) != nil {
			t.Errorf("%s: a registration is asked for", name)
		}
	}
	w := verifytest.NewLog("log.example/pool")
	unwitnessed := newDrandRig(t, before1000, func(j *job.Job) { j.Log = w.Terms(0) })
	a := unwitnessed.assignment()
	file := must(job.Registration{Job: a.Job, Worker: a.Worker, Slot: a.Slot, At: a.Registered}.Sign(unwitnessed.operator))(t)
	late := must(w.Enter(file, a.Registered+1<<30))(t)
	if !unwitnessed.terms.Registers() || unwitnessed.terms.Registered(&a, file, late) != nil {
		t.Error("a log without witnesses says when")
	}
	if err := unwitnessed.terms.Registered(&a, file, must(w.Enter([]byte("another"), 0))(t)); fault.Of(err) != fault.WrongDigest {
		t.Error(err)
	}
}
