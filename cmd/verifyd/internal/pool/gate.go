package pool

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/spent"
)

// Gate is what a log lets in, for [translog.Options]: any entry but a contribution to work for which another body is in
// the log and was not revoked there. It serves one log, from when that is opened; all it knows comes from its entries.
//
// Once the log holds a pool's signer set, only contributions by its keys, and those of the sets that follow it there,
// spend work; one that states such a key and is not signed by it is refused, so that nobody spends for others. A
// revocation counts if the quorum of the set in force signed it. The first set of a pool is taken as it is: who writes
// the log vouches for it.
type Gate struct {
	mu    sync.Mutex
	book  spent.Book
	pools map[poolName]*signerSets
}

// poolName is a pool as one ledger knows it.
type poolName struct{ audience, pool proofs.Hash }

// signerSets are those of a pool that a log holds.
type signerSets struct {
	last proofs.SignerSet           // in force
	keys map[proofs.Hash]proofs.Key // of all sets, by key id
}

// NewGate is the gate of a log whose entries it is told by Holds.
func NewGate() *Gate { return &Gate{pools: make(map[poolName]*signerSets)} }

// Holds learns from an entry that is in the log.
func (g *Gate) Holds(entry []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_ = g.read(&g.book, entry, false) // what is in the log is there: the first body stands
}

// Admit says whether entries may be appended together, and counts them as in the log if so.
func (g *Gate) Admit(entries [][]byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	over := g.book.Over()
	for i, entry := range entries {
		if err := g.read(over, entry, true); err != nil {
			return fmt.Errorf("entry %d of %d: %w", i+1, len(entries), err)
		}
	}
	over.Commit()
	return nil
}

// statement begins the entries that are verifyd's statements.
var statement = []byte(`{"payloadType":"application/vnd.verifyd.`)

// read reads an entry into a book. Entries that are nothing of ours, or not well formed, are no matter of the gate's.
func (g *Gate) read(book *spent.Book, entry []byte, strict bool) error {
	if !bytes.HasPrefix(entry, statement) {
		return nil
	}
	env, err := proofs.ParseEnvelope(entry)
	if err != nil {
		return nil
	}
	stated, err := proofs.Parse(env.Type, env.Body)
	if err != nil {
		return nil
	}
	switch s := stated.(type) {
	case proofs.Contribution:
		return g.contribution(book, s, env, strict)
	case proofs.Revocation:
		sets := g.pools[poolName{s.Audience, s.PoolID}]
		if sets == nil || s.TargetKind != 1 || s.SignerSet != sets.last.Set {
			return nil
		}
		if _, err := proofs.Verify[proofs.Revocation](env, int(sets.last.Threshold), sets.last.Keys...); err == nil {
			book.Revoke(s.Target)
		}
	case proofs.SignerSet:
		g.signerSet(s, env)
	}
	return nil
}

// contribution spends the work of a contribution in a book.
func (g *Gate) contribution(book *spent.Book, c proofs.Contribution, env *proofs.Envelope, strict bool) error {
	if sets := g.pools[poolName{c.Audience, c.PoolID}]; sets != nil {
		key, ok := sets.keys[env.Signatures[0].KeyID] // a contribution has one
		if !ok {
			return nil
		}
		if strict {
			if _, err := proofs.Verify[proofs.Contribution](env, 1, key); err != nil {
				return err
			}
		}
	}
	work, err := spent.Of(c)
	if err != nil {
		return err
	}
	return book.Spend(work)
}

// signerSet takes a pool's first set, or the one that follows the set in force.
func (g *Gate) signerSet(next proofs.SignerSet, env *proofs.Envelope) {
	name := poolName{next.Audience, next.PoolID}
	sets := g.pools[name]
	if sets == nil {
		if _, err := proofs.Verify[proofs.SignerSet](env, 1, next.Keys...); err != nil {
			return
		}
		sets = &signerSets{keys: make(map[proofs.Hash]proofs.Key)}
		g.pools[name] = sets
	} else {
		l := bundle.Ledger{Audience: next.Audience, PoolID: next.PoolID, Signers: sets.last}
		if err := l.Rotate(env); err != nil {
			return
		}
	}
	sets.last = next
	for _, k := range next.Keys {
		if id, err := proofs.KeyID(k); err == nil {
			sets.keys[id] = k
		}
	}
}
