package valuation

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/verifyd/verifyd/verify/job"
)

// logged is the log that witnessed's proofs are of, as a job names it.
func logged(t *testing.T, witnesses bool) *job.Log {
	t.Helper()
	public := func(seed []byte) ed25519.PublicKey {
		return ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	}
	l := &job.Log{Key: must(note.NewEd25519VerifierKey("log.example", public(make([]byte, 32))))(t)}
	if witnesses {
		material := append([]byte{4}, public([]byte("a witness is somebody else's key"))...)
		sum := sha256.Sum256(append([]byte("witness.example\n"), material...))
		l.Witnesses, l.Threshold = []string{fmt.Sprintf("witness.example+%x+%s", sum[:4], base64.StdEncoding.EncodeToString(material))}, 1
	}
	return l
}

// TestWhatShowsWhenAListWasFrozenIsWhatItsJobsAskFor and nobody's choice
// afterwards: neither the scorer's, who once gave it as flags, nor the valuer's.
func TestWhatShowsWhenAListWasFrozenIsWhatItsJobsAskFor(t *testing.T) {
	r := newRig(t)
	if witnessed, err := r.list.Dated(r.jobs, nil, r.signed); witnessed || err != nil {
		t.Errorf("jobs without a log: %v, %v", witnessed, err)
	}
	for name, l := range map[string]*job.Log{"a log": logged(t, false), "witnesses": logged(t, true)} {
		r := newRig(t, func(j *job.Job) { j.Log = l })
		if _, err := r.list.Dated(r.jobs, nil, r.signed); !errors.Is(err, ErrUndated) {
			t.Errorf("%s and no proof: %v", name, err)
		}
		due := r.list.Frozen + int64(r.list.Delay)
		for _, at := range []int64{frozen, due - 1, due} {
			proof := witnessed(t, r.signed, at)
			seen, err := r.list.Dated(r.jobs, proof, r.signed)
			if seen != (l.Threshold > 0 && err == nil) || (err != nil) != (l.Threshold > 0 && at == due) {
				t.Errorf("%s, cosigned %d seconds before the round: %v, %v", name, due-at, seen, err)
			}
		}
		other := witnessed(t, []byte("another entry"), frozen)
		if _, err := r.list.Dated(r.jobs, other, r.signed); err == nil {
			t.Errorf("%s and a proof of another entry", name)
		}
	}
}

func TestClaimsOfJobsWithSeveralLogsAreNotOnOneList(t *testing.T) {
	n := 0
	r := newRig(t, func(j *job.Job) {
		if j.Log = logged(t, true); n > 3 {
			j.Log = nil
		}
		n++
	})
	if _, err := r.list.Dated(r.jobs, nil, r.signed); err == nil || errors.Is(err, ErrUndated) {
		t.Errorf("a job without a log among others: %v", err)
	}
}
