package proofs_test

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/merkle"
	"github.com/verifyd/verifyd/proofs/testdata/sequences"
)

const sequenceFolder = "testdata/sequences"

// TestSequences gives each sequence to the ledger in memory.
func TestSequences(t *testing.T) {
	all, err := sequences.All("go")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Errorf("%d sequences, want 50", len(all))
	}
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			l, err := s.Ledger()
			if err != nil {
				t.Fatal(err)
			}
			book := sequences.NewBook(l)
			for i, step := range s.Steps {
				if got := book.Take(step); got != step.Expect {
					t.Fatalf("step %d, %s: %s, want %s", i+1, step.Do, got, step.Expect)
				}
			}
		})
	}
}

// TestSequencesAreTheOnesThatTheirGeneratorWrites keeps the files and the code
// that explains them together. Run with -update to write them.
func TestSequencesAreTheOnesThatTheirGeneratorWrites(t *testing.T) {
	all := sequenceRows(t)
	names := make(map[string]bool)
	for _, s := range all {
		if names[s.name] {
			t.Errorf("two sequences with the name %s", s.name)
		}
		names[s.name] = true
		path := filepath.Join(sequenceFolder, s.name+".txt")
		if *updateVectors {
			if err := os.WriteFile(path, s.text(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, s.text()) {
			t.Errorf("%s differs from what is generated (%v)", path, err)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(sequenceFolder, "*.txt")); len(files) != len(all) {
		t.Errorf("%d files, %d generated", len(files), len(all))
	}
}

// A sequence is one as it is written.
type sequence struct {
	name, comment, readers string
	facts                  []string
	steps                  []sequences.Step
}

func (s sequence) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "comment: %s\nkind: sequence\nreaders: %s\n", s.comment, s.readers)
	for _, f := range s.facts {
		b.WriteString(f + "\n")
	}
	b.WriteString("encoding: file\n")
	for _, step := range s.steps {
		fmt.Fprintf(&b, "\nstep: %s\nexpect: %s\n", step.Do, step.Expect)
		if step.Input != "" {
			fmt.Fprintf(&b, "input: %s\n", step.Input)
		}
	}
	return b.Bytes()
}

// The steps. What an envelope or a bundle is in a file is one line.

func line(file []byte) string { return strings.TrimSuffix(string(file), "\n") }

func accept(root *proofs.Envelope, expect string) sequences.Step {
	return sequences.Step{Do: "accept", Expect: expect, Input: line(root.Bytes())}
}

func revoke(r *proofs.Envelope, expect string) sequences.Step {
	return sequences.Step{Do: "revoke", Expect: expect, Input: line(r.Bytes())}
}

func rotate(set *proofs.Envelope, expect string) sequences.Step {
	return sequences.Step{Do: "rotate", Expect: expect, Input: line(set.Bytes())}
}

func claim(b *bundle.Bundle, expect string) sequences.Step {
	return sequences.Step{Do: "claim", Expect: expect, Input: line(b.Bytes())}
}

func pay(e *era, expect string) sequences.Step {
	return sequences.Step{Do: "pay", Expect: expect, Input: hex.EncodeToString(e.File())}
}

func vote(policy string) sequences.Step {
	return sequences.Step{Do: "policy", Expect: success, Input: scenario.ID(policy).String()}
}

func clock(at uint64) sequences.Step {
	return sequences.Step{Do: "clock", Expect: success, Input: fmt.Sprint(at)}
}

func balance(worker, expect string) sequences.Step {
	return sequences.Step{Do: "balance", Expect: expect, Input: accountOf(worker).String()}
}

func due(expect string) sequences.Step { return sequences.Step{Do: "due", Expect: expect} }

// paid is the answer of a step that pays so many units.
func paid(units int) string { return fmt.Sprintf("success %d", units) }

func accountOf(worker string) proofs.Hash {
	a := scenario.ID("account of " + worker)
	clear(a[:12]) // an EVM address
	return a
}

// ages makes epochs of a pool with three signer sets, each of which follows.
type ages struct {
	t    *testing.T
	pool *scenario.Pool
	sets []proofs.SignerSet
	last crypto.Signer // the key that joins with set 2
}

func newAges(t *testing.T) *ages {
	pool, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	last, err := scenario.ES256("verifier d")
	if err != nil {
		t.Fatal(err)
	}
	a := &ages{t: t, pool: pool, sets: []proofs.SignerSet{pool.Set}, last: last}
	second := pool.Set
	second.Keys = append([]proofs.Key{keyOf(t, last)}, pool.Set.Keys[1:]...)
	scenario.Order(second.Keys)
	a.follow(second)
	a.follow(second)
	return a
}

func (a *ages) follow(set proofs.SignerSet) {
	before := a.sets[len(a.sets)-1]
	set.Set, set.Previous, set.IssuedAt = before.Set+1, sha256.Sum256(encode(a.t, before)), scenario.Now
	a.sets = append(a.sets, set)
}

// sign signs by keys of the first set, by their places, and by the one that
// joins as place 5. No ed25519 is asked, which no contract checks: place 4.
func (a *ages) sign(s proofs.Statement, places ...int) *proofs.Envelope {
	a.t.Helper()
	var signers []crypto.Signer
	for _, i := range places {
		if i == 5 {
			signers = append(signers, a.last)
			continue
		}
		signers = append(signers, a.pool.Signers[a.pool.Set.Keys[i]])
	}
	env, err := proofs.Sign(s, signers...)
	if err != nil {
		a.t.Fatal(err)
	}
	return env
}

// An era is an epoch with the contributions on its leaves.
type era struct {
	*epoch.Epoch
	ages   *ages
	policy string
	latest map[proofs.Hash]*proofs.Envelope // by the detail of the leaf
}

// era follows one, nil for the first, in which workers earn units. The dust is
// 7 in the first and nothing later.
func (a *ages) era(before *era, number uint64, policy string, units map[string]uint64) *era {
	a.t.Helper()
	e := &era{ages: a, policy: policy, latest: map[proofs.Hash]*proofs.Envelope{}}
	var leaves []merkle.Leaf
	emission := uint64(7)
	if before != nil {
		leaves, emission = before.Leaves, 0
		maps.Copy(e.latest, before.latest)
	}
	var all []proofs.Contribution
	for _, worker := range slices.Sorted(maps.Keys(units)) {
		n := units[worker]
		emission += n
		had := uint64(0)
		for _, l := range leaves {
			if l.Account == accountOf(worker) {
				had = l.CumulativeUnits.Lo
			}
		}
		c := proofs.Contribution{
			Audience: scenario.ID(scenario.Audience), PoolID: scenario.ID("pool"), Epoch: number, TaskID: scenario.ID(fmt.Sprint("task ", number)),
			WorkerID: scenario.ID(worker), Account: accountOf(worker), Units: proofs.Uint(n), CumulativeUnits: proofs.Uint(had + n),
			Verdict: proofs.Verdict{Kind: proofs.Accepted}, StepsClaimed: 400, StepsReplayed: 40, PolicyHash: scenario.ID(policy), IssuedAt: scenario.Now,
		}
		all = append(all, c)
		e.latest[sha256.Sum256(encode(a.t, c))] = a.sign(c, 1)
	}
	var err error
	e.Epoch, err = epoch.Build(leaves, epoch.Scope{
		Audience: scenario.ID(scenario.Audience), PoolID: scenario.ID("pool"), PolicyHash: scenario.ID(policy), Epoch: number,
		Emission: proofs.Uint(emission), Dust: accountOf("nobody"),
	}, all)
	if err != nil {
		a.t.Fatal(err)
	}
	return e
}

// root is the era's, of a set, after a change.
func (e *era) root(set uint64, change func(*proofs.EpochRoot)) *proofs.Envelope {
	r := e.Root(set, scenario.Now+86_400, scenario.ID("checkpoint"))
	if change != nil {
		change(&r)
	}
	if set == 1 {
		return e.ages.sign(r, 0, 1, 3)
	}
	return e.ages.sign(r, 1, 3, 5)
}

// bundle is a worker's under a root of the era.
func (e *era) bundle(worker string, root *proofs.Envelope) *bundle.Bundle {
	t := e.ages.t
	t.Helper()
	s, err := proofs.Parse(root.Type, root.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range e.Leaves {
		if l.Account != accountOf(worker) {
			continue
		}
		b, err := bundle.New(e.ages.sets[s.(proofs.EpochRoot).SignerSet-1], e.latest[l.Detail])
		if err != nil {
			t.Fatal(err)
		}
		b.EpochRoot = root
		if b.Merkle, err = e.Tree.Path(l); err != nil {
			t.Fatal(err)
		}
		return b
	}
	t.Fatalf("%s has no leaf", worker)
	return nil
}

// takeBack revokes a statement, of which a set has thought better.
func (a *ages) takeBack(env *proofs.Envelope, set uint64, change func(*proofs.Revocation), places ...int) *proofs.Envelope {
	r := proofs.Revocation{
		Audience: scenario.ID(scenario.Audience), PoolID: scenario.ID("pool"), Epoch: 2, Target: sha256.Sum256(env.Body), TargetKind: 2, Reason: 1,
		SignerSet: set, IssuedAt: scenario.Now,
	}
	if change != nil {
		change(&r)
	}
	if len(places) == 0 {
		places = []int{0, 1, 3}
		if set > 1 {
			places = []int{1, 3, 5}
		}
	}
	return a.sign(r, places...)
}
