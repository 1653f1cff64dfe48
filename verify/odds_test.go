package verify_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/odds"
	"github.com/verifyd/verifyd/verify/trace"
)

// challenges draws n challenges for a claim, each with a beacon of its own.
func (r *rig) challenges(n int) []*verify.Challenge {
	r.t.Helper()
	s := trace.Summary{Steps: r.terms.Job.Steps, Root: merkle.Hash{1}}
	c := trace.Claim{Job: r.terms.Digest, Worker: keyOf(r.t, r.worker), Slot: 1, Steps: s.Steps, Root: s.Root}
	received := must(r.pool().Receipt(s))(r.t)
	var list []*verify.Challenge
	for i := range n {
		beacon := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
		ch, err := r.terms.DrawWith(c, received, beacon)
		if err != nil {
			r.t.Fatal(err)
		}
		list = append(list, ch)
	}
	return list
}

func TestAThousandChallengesCatchASingleForgeryAsOftenAsPromised(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) { j.Steps, j.Stride, j.Sampled = 120, 3, job.Exactly(7) })
	const draws, n, k = 1000, 40, 7
	hits := make([]int, n)
	for _, ch := range r.challenges(draws) {
		if !slices.IsSorted(ch.Segments) || ch.Segments[len(ch.Segments)-1] != n-1 {
			t.Fatalf("%v: not ascending, or without the last segment", ch.Segments)
		}
		if len(ch.Segments) != k && len(ch.Segments) != k+1 {
			t.Fatalf("%d segments", len(ch.Segments))
		}
		for _, s := range ch.Segments {
			hits[s]++
		}
	}
	if hits[n-1] != draws {
		t.Errorf("the last segment was challenged %d times of %d", hits[n-1], draws)
	}
	// A binomial variable of 1,000 trials leaves a range of five standard deviations once in a
	// million; the draws are fixed, so the test is too.
	const p = float64(k) / n
	deviation := math.Sqrt(draws * p * (1 - p))
	for s, h := range hits[:n-1] {
		if math.Abs(float64(h)-draws*p) > 5*deviation {
			t.Errorf("segment %d was challenged %d times of %d, %.0f expected", s, h, draws, draws*p)
		}
	}
	want := big.NewRat(k, n)
	if got := odds.Caught(n, k, 1); got.Cmp(want) != 0 {
		t.Errorf("promised %v, want k/N = %v", got, want)
	}
}

func TestAThousandChallengesCatchSeveralForgeriesAsOftenAsPromised(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) { j.Steps, j.Stride, j.Sampled = 120, 3, job.Exactly(7) })
	const draws, n, k = 1000, 40, 7
	for _, forged := range [][]uint64{{3, 4}, {0, 10, 20, 30}, {5, 6, 7, 8, 9, 10, 11, 12}} {
		caught := 0
		for _, ch := range r.challenges(draws) {
			if slices.ContainsFunc(forged, func(s uint64) bool { return slices.Contains(ch.Segments, s) }) {
				caught++
			}
		}
		p, _ := odds.Caught(n, k, uint64(len(forged))).Float64()
		if deviation := math.Sqrt(draws * p * (1 - p)); math.Abs(float64(caught)-draws*p) > 5*deviation {
			t.Errorf("%d forged: caught %d times of %d, %.0f expected", len(forged), caught, draws, draws*p)
		}
	}
}

func TestAChallengeDependsOnAllThatItIsBoundTo(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	base := trace.Claim{Worker: keyOf(t, r.worker), Slot: 1, Root: merkle.Hash{1}}
	received := must(r.pool().Receipt(trace.Summary{Steps: 23, Root: base.Root}))(t)
	seen := map[merkle.Hash]string{}
	draw := func(name string, c trace.Claim, receipt verify.Receipt, beacon merkle.Hash) {
		ch, err := r.terms.DrawWith(c, receipt, beacon)
		if err != nil {
			t.Fatal(err)
		}
		if was, ok := seen[ch.Seed]; ok {
			t.Errorf("%s has the seed of %s", name, was)
		}
		seen[ch.Seed] = name
	}
	draw("the claim", base, received, merkle.Hash{9})
	draw("another beacon", base, received, merkle.Hash{8})
	other := base
	other.Root[0]++
	draw("another root", other, received, merkle.Hash{9})
	for name, change := range map[string]func(*verify.Receipt){
		"another job":        func(r *verify.Receipt) { r.Job[0]++ },
		"another assignment": func(r *verify.Receipt) { r.Assignment[0]++ },
		"another worker":     func(r *verify.Receipt) { r.Worker[0]++ },
		"another slot":       func(r *verify.Receipt) { r.Slot++ },
		"another claim":      func(r *verify.Receipt) { r.Claim[0]++ },
		"another number":     func(r *verify.Receipt) { r.Sampled++ },
		"another second":     func(r *verify.Receipt) { r.Arrived++ },
	} {
		receipt := received
		change(&receipt)
		draw(name, base, receipt, merkle.Hash{9})
	}
}

func TestSmallClaimsAreReplayedWhole(t *testing.T) {
	for steps, want := range map[uint64]int{1: 1, 3: 1, 4: 2, 9: 3} {
		r := newRig(t, mlp(), blobs(t, 40, 7), func(j *job.Job) { j.Steps = steps })
		for _, ch := range r.challenges(20) {
			if len(ch.Segments) != want {
				t.Errorf("%d steps: %v", steps, ch.Segments)
			}
		}
	}
}

func TestAVerdictStatesTheOddsOfOneLieBeforeThoseOfMore(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil) // N = 8, k = 3
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	got := r.judge(r.bundle(dir), r.options(kernels.Auto, 1)).Finding.Odds
	want := odds.Odds{Lie: "3/8", Lies: []odds.Lies{
		{Lies: 1, Caught: "0.375000"}, {Lies: 2, Caught: "0.642857"}, {Lies: 5, Caught: "0.982142"},
		{Lies: 1, Share: "10%", Caught: "0.375000"}, {Lies: 4, Share: "50%", Caught: "0.928571"},
	}, Measured: odds.Measured{Gate: "verifyd-gate/1", Power: "0.872745", Caught: "0.920465"}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestAVerdictIsSignedAndReadBack(t *testing.T) {
	r := newRig(t, mlp(), blobs(t, 40, 7), nil)
	dir, _ := r.train(newCPU(t, kernels.Auto, 1))
	verifier, o := newKey(t, 5), r.options(kernels.Auto, 1)
	o.Verifier = keyOf(t, verifier).ID()
	v := r.judge(r.bundle(dir), o)
	signed, err := v.Sign(verifier)
	if err != nil {
		t.Fatal(err)
	}
	back, err := verify.ReadVerdict("verdict.json", signed, keyOf(t, verifier))
	if err != nil || back.Evidence != v.Evidence || fmt.Sprint(back.Finding) != fmt.Sprint(v.Finding) {
		t.Errorf("%+v, %v", back, err)
	}
	if _, err := verify.ReadVerdict("verdict.json", signed, keyOf(t, r.worker)); err == nil {
		t.Error("read with another verifier's key")
	}
	if _, err := document.Peek[verify.Verdict]("verdict.json", signed, "verdict"); err != nil {
		t.Error(err)
	}
	if v.Build.Module == "" || v.Build.Go == "" || v.Build.Device != "first" {
		t.Errorf("%+v", v.Build)
	}
}
