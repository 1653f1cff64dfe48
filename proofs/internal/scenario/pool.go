package scenario

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/merkle"
	"github.com/verifyd/verifyd/proofs/translog"
)

// Now is when everything is signed, in seconds of the Unix epoch.
const Now = 1_795_000_000

// Audience is the ledger's name.
const Audience = "eip155:8453:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb"

// Workers is how many contribute.
const Workers = 5

// A Pool is at the end of its second epoch.
type Pool struct {
	Set           proofs.SignerSet
	Signers       map[proofs.Key]crypto.Signer
	Contributions []proofs.Contribution // of the second epoch, one a worker, the last one rejected
	Signed        []*proofs.Envelope    // the same, in the log
	Epoch         *epoch.Epoch
	Root          *proofs.Envelope // of the second epoch, in the log
	Log           *Log
	covered       int64 // size of the log that the epoch root names
	proofs        []string
}

// New builds the pool.
func New() (*Pool, error) {
	p := &Pool{Log: NewLog("log"), Signers: make(map[proofs.Key]crypto.Signer)}
	if err := p.makeSet(); err != nil {
		return nil, err
	}
	var before []merkle.Leaf
	for i := range Workers - 1 {
		before = append(before, merkle.Leaf{Account: account(i), CumulativeUnits: proofs.Uint(uint64(1000 * (i + 1))), Detail: ID("earlier")})
	}
	dust := merkle.Leaf{Account: account(99), CumulativeUnits: proofs.Uint(7), Detail: epoch.DustDetail()}
	for i := range Workers {
		c := p.contribution(i)
		signed, err := proofs.Sign(c, p.Signers[p.Set.Keys[i%len(p.Set.Keys)]])
		if err != nil {
			return nil, err
		}
		p.Contributions, p.Signed = append(p.Contributions, c), append(p.Signed, signed)
		if _, err := p.Log.Append(signed.Bytes()); err != nil {
			return nil, err
		}
	}
	p.covered = p.Log.size
	for i := range p.Signed {
		text, err := p.Log.Inclusion(int64(i))
		if err != nil {
			return nil, err
		}
		p.proofs = append(p.proofs, text)
	}
	checkpoint, err := p.Log.HeadHash()
	if err != nil {
		return nil, err
	}
	p.Epoch, err = epoch.Build(append(before, dust), epoch.Scope{
		Audience: ID(Audience), PoolID: ID("pool"), PolicyHash: ID("policy"), Epoch: 2,
		Emission: proofs.Uint(1003), Dust: account(99),
	}, p.Contributions)
	if err != nil {
		return nil, err
	}
	if p.Root, err = p.Sign(p.Epoch.Root(p.Set.Set, Now+86_400, checkpoint), 0, 3, 4); err != nil {
		return nil, err
	}
	_, err = p.Log.Append(p.Root.Bytes())
	return p, err
}

// makeSet makes set 1: three keys of es256 and one of each other algorithm,
// of which three must sign.
func (p *Pool) makeSet() error {
	signers := []crypto.Signer{ES256K("verifier k"), Ed25519("verifier e")}
	for _, name := range []string{"verifier a", "verifier b", "verifier c"} {
		signer, err := ES256(name)
		if err != nil {
			return err
		}
		signers = append(signers, signer)
	}
	p.Set = proofs.SignerSet{Audience: ID(Audience), PoolID: ID("pool"), Set: 1, IssuedAt: Now - 1000, Threshold: 3}
	for _, s := range signers {
		key, err := proofs.NewKey(s.Public())
		if err != nil {
			return err
		}
		p.Signers[key] = s
		p.Set.Keys = append(p.Set.Keys, key)
	}
	Order(p.Set.Keys)
	return nil
}

// Order puts keys in the order that a signer set has.
func Order(keys []proofs.Key) {
	rank := map[string]int{"es256": 1, "es256k": 2, "ed25519": 3}
	slices.SortFunc(keys, func(a, b proofs.Key) int {
		if a.Alg != b.Alg {
			return rank[a.Alg] - rank[b.Alg]
		}
		return bytes.Compare(append(a.X[:], a.Y[:]...), append(b.X[:], b.Y[:]...))
	})
}

// account of a worker, an EVM address.
func account(i int) proofs.Hash {
	a := ID(fmt.Sprintf("account %d", i))
	clear(a[:12])
	return a
}

func (p *Pool) contribution(i int) proofs.Contribution {
	c := proofs.Contribution{
		Audience: ID(Audience), PoolID: ID("pool"), Epoch: 2, TaskID: ID(fmt.Sprintf("task %d", i)),
		WorkerID: ID(fmt.Sprintf("worker %d", i)), Slot: uint32(i), Account: account(i),
		Units: proofs.Uint(uint64(100 * (i + 1))), Shapley: proofs.Int(int64(i)*500_000_000 - 3), StdErr: proofs.Uint(1_000_000),
		Verdict: proofs.Verdict{Kind: proofs.Accepted}, StepsClaimed: 400, StepsReplayed: 40,
		PolicyHash: ID("policy"), EvidenceRoot: ID("evidence"), EngineHash: ID("engine"), SampleSeed: ID("seed"), Beacon: ID("beacon"), IssuedAt: Now,
	}
	c.CumulativeUnits = proofs.Uint(uint64(1000*(i+1) + 100*(i+1)))
	if i == 1 {
		c.Beacon = proofs.Hash{} // a fixed value
	}
	if i == Workers-1 {
		c.Verdict = proofs.Verdict{Kind: proofs.Rejected, Reason: proofs.Mismatch}
		c.Units, c.CumulativeUnits, c.StepsReplayed, c.StepsFailed = proofs.Uint128{}, proofs.Uint128{}, 11, 1
	}
	return c
}

// Sign signs a statement with some keys of the set, by their places in it.
func (p *Pool) Sign(s proofs.Statement, places ...int) (*proofs.Envelope, error) {
	var signers []crypto.Signer
	for _, i := range places {
		signers = append(signers, p.Signers[p.Set.Keys[i]])
	}
	return proofs.Sign(s, signers...)
}

// Ledger is one that trusts the pool, before it has accepted anything.
func (p *Pool) Ledger() (*bundle.Ledger, error) {
	policy, err := translog.NewPolicy(p.Log.VKey())
	return &bundle.Ledger{
		Audience: ID(Audience), PoolID: ID("pool"), PolicyHash: ID("policy"), Signers: p.Set,
		Log: policy, Now: time.Unix(Now, 0),
	}, err
}

// Bundle is a worker's, with everything in it, and one attachment. The
// rejected worker's has neither root nor path.
func (p *Pool) Bundle(worker int) (*bundle.Bundle, error) {
	b, err := bundle.New(p.Set, p.Signed[worker])
	if err != nil {
		return nil, err
	}
	b.Log = &bundle.Log{Contribution: p.proofs[worker]}
	statement, err := p.Sign(proofs.Document{Type: "application/vnd.in-toto+json", Body: []byte(`{"_type":"https://in-toto.io/Statement/v1"}`)}, 0)
	if err != nil {
		return nil, err
	}
	b.Attachments = []*proofs.Envelope{statement}
	if worker == Workers-1 {
		return b, nil
	}
	b.EpochRoot = p.Root
	for _, l := range p.Epoch.Leaves {
		if l.Account == account(worker) && l.Detail == proofs.Hash(sha256.Sum256(p.Signed[worker].Body)) {
			if b.Merkle, err = p.Epoch.Tree.Path(l); err != nil {
				return nil, err
			}
		}
	}
	if b.Log.EpochRoot, err = p.Log.Inclusion(p.covered); err != nil {
		return nil, err
	}
	b.Log.Consistency, err = p.Log.Consistency(p.covered)
	return b, err
}
