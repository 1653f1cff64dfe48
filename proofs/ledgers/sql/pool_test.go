package sql

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/merkle"
	"github.com/verifyd/verifyd/proofs/translog"
)

var now = time.Unix(scenario.Now, 0)

func newPool(t testing.TB) *scenario.Pool {
	t.Helper()
	p, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// newLedger opens the pool's ledger in a database.
func newLedger(t testing.TB, d database, p *scenario.Pool) *Ledger {
	t.Helper()
	l, err := open(context.Background(), d, t, p)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func open(ctx context.Context, d database, t testing.TB, p *scenario.Pool) (*Ledger, error) {
	l, err := Open(ctx, d.open(t), d.dialect, Genesis{
		Audience: p.Set.Audience, PoolID: p.Set.PoolID, PolicyHash: scenario.ID("policy"), Signers: p.Set,
	})
	if err != nil {
		return nil, err
	}
	l.Now = func() time.Time { return now }
	l.Log, err = translog.NewPolicy(p.Log.VKey())
	return l, err
}

// season is several epochs of many workers.
type season struct {
	roots  []*proofs.Envelope
	epochs []*epoch.Epoch
}

const (
	seasonEpochs  = 5
	seasonWorkers = 1500 // more than a batch
)

// newSeason pays worker i in every epoch that (i+epoch) is no multiple of 3.
func newSeason(t testing.TB, p *scenario.Pool) season {
	t.Helper()
	var s season
	var before []merkle.Leaf
	totals := make([]uint64, seasonWorkers)
	for e := uint64(1); e <= seasonEpochs; e++ {
		var all []proofs.Contribution
		emission := uint64(11) // dust
		for i := range totals {
			if (uint64(i)+e)%3 == 0 {
				continue
			}
			units := uint64(i)*e + 1
			totals[i] += units
			emission += units
			account := scenario.ID(fmt.Sprintf("account %d", i))
			all = append(all, proofs.Contribution{
				Audience: p.Set.Audience, PoolID: p.Set.PoolID, Epoch: e, TaskID: scenario.ID(fmt.Sprint("task ", e)), WorkerID: account, Account: account,
				Units: proofs.Uint(units), CumulativeUnits: proofs.Uint(totals[i]), Verdict: proofs.Verdict{Kind: proofs.Accepted},
				StepsClaimed: 1, StepsReplayed: 1, PolicyHash: scenario.ID("policy"), EvidenceRoot: scenario.ID("evidence"),
				EngineHash: scenario.ID("engine"), SampleSeed: scenario.ID("seed"), Beacon: scenario.ID("beacon"), IssuedAt: scenario.Now,
			})
		}
		built, err := epoch.Build(before, epoch.Scope{
			Audience: p.Set.Audience, PoolID: p.Set.PoolID, PolicyHash: scenario.ID("policy"), Epoch: e,
			Emission: proofs.Uint(emission), Dust: scenario.ID("dust"),
		}, all)
		if err != nil {
			t.Fatal(err)
		}
		before = built.Leaves
		root, err := p.Sign(built.Root(1, scenario.Now+1000, scenario.ID("checkpoint")), 0, 1, 2)
		if err != nil {
			t.Fatal(err)
		}
		s.roots, s.epochs = append(s.roots, root), append(s.epochs, built)
	}
	return s
}
