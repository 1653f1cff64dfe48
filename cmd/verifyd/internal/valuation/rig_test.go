package valuation

import (
	"context"
	"crypto"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/shapley"
	"github.com/verifyd/verifyd/shapley/round"
	"github.com/verifyd/verifyd/shapley/shapleytest"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/beacon"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
	"github.com/verifyd/verifyd/verify/trace"
	"github.com/verifyd/verifyd/verify/verifytest"
)

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// rig is a pool of three workers whose claims were judged and are valued together.
type rig struct {
	operator crypto.Signer
	key      document.Key
	policy   *policy.Policy
	jobs     Jobs
	verdicts []*verify.Verdict
	claims   [][]byte
	files    RoundFiles
	public   beacon.Beacon
	list     *Claims
	signed   []byte
	digest   merkle.Hash
	folder   string // of the certificate
}

const frozen = 1_795_000_000

func way() Way { return Way{Estimator: "antithetic", Budget: 4, Level: 950} }

// newRig has the three train the same job and values what they did.
func newRig(t testing.TB, alter ...func(*job.Job)) *rig {
	t.Helper()
	dir := t.TempDir()
	device := shapleytest.CPU(kernels.Options{Threads: 1})
	r := &rig{operator: must(verifytest.NewKey(1))(t), jobs: Jobs{}}
	r.key = must(verifytest.KeyOf(r.operator))(t)
	rows := must(verifytest.Blobs(20, 7))(t)
	r.files = RoundFiles{Program: filepath.Join(dir, "program.json"), Base: filepath.Join(dir, "base"), Validation: filepath.Join(dir, "rows")}
	writeSet(t, r.files.Validation, 20)
	r.policy = &policy.Policy{
		Version: policy.Version, Name: "test", Mode: policy.Pot, Budget: policy.Uint{Uint128: proofs.Uint(1000)}, Dust: policy.Hash{Hash: proofs.Hash{0xdd}},
		Metrics: policy.Metrics{
			Improvement: policy.Improvement{Of: policy.Loss},
			Value:       policy.Value{Weight: policy.Uint{Uint128: proofs.Uint(1)}, Hi: policy.Int{Int128: proofs.Int(1 << 40)}},
		},
		Validation: policy.Hash{Hash: proofs.Hash(rows.Root())},
	}
	prog := verifytest.MLP()
	if err := os.WriteFile(r.files.Program, prog.JSON(), 0o644); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		setting := verifytest.Setting{
			Operator: r.operator, Worker: must(verifytest.NewKey(byte(10 + i)))(t), Program: prog, Data: must(verifytest.Blobs(40, 7))(t), Device: device,
		}
		at := time.Unix(1692803367+999*3-6, 0) // when the round that gives the orders' seeds is due
		setting.Job = func(j *job.Job) {
			j.Policy, j.Steps = merkle.Hash(must(r.policy.Hash())(t)), 6
			for _, a := range alter {
				a(j)
			}
			if j.Beacon.Name == beacon.Quicknet {
				j.Issued = at.Unix()
			}
		}
		var asked job.Job
		if setting.Job(&asked); asked.Beacon.Name == beacon.Quicknet {
			setting.Registered, setting.Round = at, &quicknet
		}
		p := must(verifytest.NewPool(context.Background(), setting))(t)
		folder := filepath.Join(dir, string(rune('a'+i)))
		summary := must(p.Train(context.Background(), device, folder))(t)
		if err := p.Claim(summary); err != nil {
			t.Fatal(err)
		}
		c, digest, err := p.Terms.ReadClaim(p.Documents.Claim)
		if err != nil {
			t.Fatal(err)
		}
		r.jobs[p.Terms.Digest] = p.Terms
		r.claims = append(r.claims, p.Documents.Claim)
		r.files.Updates = append(r.files.Updates, filepath.Join(folder, trace.FinalFile))
		r.verdicts = append(r.verdicts, &verify.Verdict{Finding: verify.Finding{
			Outcome: verify.Pass, Job: p.Terms.Digest, Worker: c.Worker.ID(), Slot: c.Slot, Claim: digest, Final: c.Final, Round: 1,
		}})
		r.public = must(document.Decode[beacon.Beacon]("beacon", p.Documents.Beacon))(t)
		if i == 0 {
			if err := os.Rename(filepath.Join(folder, "states", "0.safetensors"), r.files.Base); err != nil {
				t.Fatal(err)
			}
		}
	}
	r.list = must(List(r.jobs, r.policy, way(), r.claims, nil, frozen))(t)
	r.freeze(t)
	return r
}

// freeze signs the list as it is.
func (r *rig) freeze(t testing.TB) {
	t.Helper()
	r.signed = must(r.list.Sign(r.operator))(t)
	var err error
	if r.list, r.digest, err = ReadClaims("claims.json", r.signed, r.key); err != nil {
		t.Fatal(err)
	}
}

// play is the game of the list's files.
func (r *rig) play(t testing.TB, files RoundFiles) (Played, error) {
	t.Helper()
	read, err := files.ReadClaimed(r.list)
	if err != nil {
		return Played{}, err
	}
	var randomness merkle.Hash
	if r.list.Way.Rows > 0 {
		randomness = must(r.list.Randomness(r.public))(t)
	}
	fitted := must(r.list.Way.Fit(context.Background(), read, r.list.Owners(), randomness, r.digest))(t)
	g := must(round.New(context.Background(), *read, round.Options{Device: shapleytest.CPU(kernels.Options{Threads: 1}), Harmless: r.list.Way.Fair}))(t)
	t.Cleanup(g.Close)
	return Played{Game: g, Root: g.Root(), Extra: func(seed shapley.Seed) (*Extra, error) {
		e := *fitted
		var err error
		e.ValidationError, err = g.ValidationError(context.Background(), seed)
		return &e, err
	}}, nil
}

// certify values the list into a new folder.
func (r *rig) certify(t testing.TB, g Played) {
	t.Helper()
	run := must((&Claimed{r.digest, *r.list, r.public}).Run(g.Root))(t)
	r.value(t, g, run)
}

func (r *rig) value(t testing.TB, g Played, run Run) {
	t.Helper()
	r.folder = filepath.Join(t.TempDir(), "v")
	must(Estimate(context.Background(), r.folder, run, g.Game, g.Control, g.Extra, nil))(t)
}

// confirm is what is asked before anything is paid.
func (r *rig) confirm(t testing.TB, g Played) error {
	t.Helper()
	if err := r.list.Bind(r.jobs, r.policy, r.verdicts); err != nil {
		return err
	}
	_, _, err := Confirm(context.Background(), r.folder, r.list, r.digest, g, [32]byte{9}, 1000)
	return err
}

// writeSet writes so many rows of [verifytest.Blobs].
func writeSet(t testing.TB, path string, rows int) {
	t.Helper()
	set := must(verifytest.Blobs(rows, 7))(t)
	x, y, ids := kernels.Buf{F: make([]float32, 7*rows)}, kernels.Buf{I: make([]int32, rows)}, make([]int64, rows)
	for i := range ids {
		ids[i] = int64(i)
	}
	if err := set.Fill([]kernels.Buf{x, y}, ids); err != nil {
		t.Fatal(err)
	}
	f := must(os.Create(path))(t)
	defer f.Close()
	err := safetensors.Write(f, nil, []safetensors.Tensor{{Name: "x", Shape: []int{rows, 7}, F32: x.F}, {Name: "y", Shape: []int{rows}, I32: y.I}})
	if err != nil {
		t.Fatal(err)
	}
}

// nudge writes a state with one parameter a bit off.
func nudge(t testing.TB, spec *state.Layout, from, to string) {
	t.Helper()
	tensors := make([][]float32, len(spec.Tensors()))
	for i, s := range spec.Tensors() {
		tensors[i] = make([]float32, s.Len())
	}
	in := must(os.Open(from))(t)
	defer in.Close()
	c := must(state.Read(in, from, spec, tensors))(t)
	tensors[0][0] += 0.5
	out := must(os.Create(to))(t)
	defer out.Close()
	if err := state.Write(out, spec, c, tensors); err != nil {
		t.Fatal(err)
	}
}
