package simulated

import (
	"crypto"
	"crypto/sha256"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/epoch"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/ledgers/evm"
	"github.com/verifyd/verifyd/proofs/merkle"
	"github.com/verifyd/verifyd/proofs/testdata/sequences"
)

// A stage is a contract that plays a sequence. It has an audience of its own,
// so that every statement is said again to it: same words, and the keys that
// signed the file sign anew.
type stage struct {
	*contract
	theirs  proofs.Hash // the audience in the files
	set     proofs.SignerSet
	signers map[proofs.Hash]crypto.Signer // by key id
	bodies  map[proofs.Hash][]byte        // of epoch roots as the contract is told them, by their digest in the files
}

func TestSequencesOnChain(t *testing.T) {
	all, err := sequences.All("evm")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 50 {
		t.Errorf("%d sequences, want 50", len(all))
	}
	c := newChain(t, "osaka")
	signers := everySigner(t)
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			c.t = t
			l, err := s.Ledger()
			if err != nil {
				t.Fatal(err)
			}
			minter := c.deploy("CumulativeMinter", "Work", "WRK", l.PoolID, l.PolicyHash, most, l.EpochGrowth, uint64(0), guardian, c.from)
			on := &stage{contract: minter, theirs: l.Audience, signers: signers, bodies: map[proofs.Hash][]byte{}}
			on.rotate(l.Signers)
			for _, step := range s.Steps {
				on.learn(step)
			}
			for i, step := range s.Steps {
				want := step.Expect
				if name, refused := named[want]; refused && want != "success" {
					want = name
				}
				if (step.Do == "claim" || step.Do == "pay") && !strings.HasPrefix(want, "success") && want != "AboveSignedTotal" {
					want = "BadPath" // whatever is wrong with the root: the active one has no such leaf
				}
				if got := on.take(step); got != want {
					t.Fatalf("step %d, %s: %s, want %s", i+1, step.Do, got, want)
				}
			}
		})
	}
	c.t = t
}

// everySigner is the private keys of the sets in the sequences.
func everySigner(t *testing.T) map[proofs.Hash]crypto.Signer {
	t.Helper()
	pool, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	last, err := scenario.ES256("verifier d")
	if err != nil {
		t.Fatal(err)
	}
	all := map[proofs.Hash]crypto.Signer{}
	for _, signer := range append(slices.Collect(maps.Values(pool.Signers)), last) {
		id, err := proofs.KeyID(signer.Public())
		if err != nil {
			t.Fatal(err)
		}
		all[id] = signer
	}
	return all
}

// envelope is a step's, and what it states.
func (on *stage) envelope(file []byte) (*proofs.Envelope, proofs.Statement) {
	on.t.Helper()
	env, err := proofs.ParseEnvelope(file)
	if err != nil {
		on.t.Fatal(err)
	}
	s, err := proofs.Parse(env.Type, env.Body)
	if err != nil {
		on.t.Fatal(err)
	}
	return env, s
}

// learn remembers the epoch root of a step, if it has one, as the contract will
// be told it: with its audience, and in time on its clock.
func (on *stage) learn(step sequences.Step) {
	if step.Do != "accept" {
		return
	}
	env, s := on.envelope(step.File())
	root, ok := s.(proofs.EpochRoot)
	if !ok {
		return
	}
	if root.Audience == on.theirs {
		root.Audience = on.audience()
	}
	root.NotAfter += 1_000_000_000
	on.bodies[sha256.Sum256(env.Body)] = on.encode(root)
}

func (on *stage) encode(s proofs.Statement) []byte {
	on.t.Helper()
	body, err := proofs.Encode(s)
	if err != nil {
		on.t.Fatal(err)
	}
	return body
}

// sign is a body signed by the keys that signed an envelope, in the order of
// the set in force. A key that is not in it comes last.
func (on *stage) sign(env *proofs.Envelope, body []byte) []abiSignature {
	on.t.Helper()
	message := fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(env.Type), env.Type, len(body), body)
	digest := sha256.Sum256(message)
	signatures := []abiSignature{}
	for _, s := range env.Signatures {
		place, key := len(on.set.Keys), proofs.Key{}
		for i, k := range on.set.Keys {
			if id, err := proofs.KeyID(k); err == nil && id == s.KeyID {
				place, key = i, k
			}
		}
		der, err := on.signers[s.KeyID].Sign(nil, digest[:], crypto.SHA256)
		if err != nil {
			on.t.Fatal(err)
		}
		sig := abiSignature{Key: big.NewInt(int64(place))}
		sig.R, sig.S = integers(der)
		order := orderOf(key)
		if n := new(big.Int).SetBytes(sig.S[:]); n.Cmp(new(big.Int).Rsh(order, 1)) > 0 {
			sig.S = highS(sig.S, order)
		}
		signatures = append(signatures, sig)
	}
	slices.SortFunc(signatures, func(a, b abiSignature) int { return a.Key.Cmp(b.Key) })
	return signatures
}

// rotate is what the contract's owner does with a set.
func (on *stage) rotate(set proofs.SignerSet) {
	on.t.Helper()
	data, err := evm.SetSigners(set)
	if err != nil {
		on.t.Fatal(err)
	}
	on.must(data)
	on.set = set
}

// do sends a call and returns success, or the name of its refusal.
func (on *stage) do(data []byte) string {
	on.t.Helper()
	if refusal := on.refusal(data); refusal != "" {
		return refusal
	}
	on.must(data)
	return "success"
}

// take plays a step.
func (on *stage) take(step sequences.Step) string {
	on.t.Helper()
	switch step.Do {
	case "accept":
		env, _ := on.envelope(step.File())
		body := on.bodies[sha256.Sum256(env.Body)]
		got := on.do(on.pack("postRoot", body, on.sign(env, body)))
		if got == "success" {
			on.must(evm.Finalize())
		}
		return got
	case "revoke":
		env, s := on.envelope(step.File())
		r := s.(proofs.Revocation)
		root, ok := on.bodies[r.Target]
		if !ok {
			on.t.Fatalf("a revocation of a root that is not in the sequence")
		}
		if r.Target = sha256.Sum256(root); r.Audience == on.theirs {
			r.Audience = on.audience()
		}
		body := on.encode(r)
		return on.do(on.pack("revoke", root, body, on.sign(env, body), abiLinks(on.history())))
	case "rotate":
		_, s := on.envelope(step.File())
		on.rotate(s.(proofs.SignerSet))
		return "success"
	case "policy":
		raw, err := step.Hex()
		if err != nil {
			on.t.Fatal(err)
		}
		return on.do(on.pack("setPolicy", [32]byte(raw), most))
	case "claim":
		b, err := bundle.Parse(step.File())
		if err != nil {
			on.t.Fatal(err)
		}
		_, s := on.envelope(b.Contribution.Bytes())
		c := s.(proofs.Contribution)
		return on.claims(merkle.Leaf{Account: c.Account, CumulativeUnits: c.CumulativeUnits, Detail: sha256.Sum256(b.Contribution.Body)}, b.Merkle)
	case "pay":
		return on.payAll(step)
	case "balance":
		account, err := step.Hex()
		if err != nil {
			on.t.Fatal(err)
		}
		return fmt.Sprintf("success %s", on.get("claimed", addressOf(proofs.Hash(account))))
	case "due":
		due := new(big.Int).Sub(on.activeTotal(), on.supply())
		if due.Sign() < 0 {
			due.SetInt64(0)
		}
		return fmt.Sprintf("success %s", due)
	}
	on.t.Fatalf("step %q is unknown", step.Do)
	return ""
}

// claims claims one leaf.
func (on *stage) claims(leaf merkle.Leaf, path []proofs.Hash) string {
	on.t.Helper()
	data, err := evm.Claim(leaf, path)
	if err != nil {
		on.t.Fatal(err)
	}
	before := on.supply()
	switch got := on.do(data); got {
	case "success":
		return fmt.Sprintf("success %s", new(big.Int).Sub(on.supply(), before))
	case "NothingToClaim":
		return "success 0"
	default:
		return got
	}
}

// payAll claims every leaf of a file, one by one.
func (on *stage) payAll(step sequences.Step) string {
	on.t.Helper()
	file, err := step.Hex()
	if err != nil {
		on.t.Fatal(err)
	}
	leaves, err := epoch.ParseFile(file)
	if err != nil {
		on.t.Fatal(err)
	}
	tree, err := merkle.New(poolID, leaves)
	if err != nil {
		on.t.Fatal(err)
	}
	before := on.supply()
	for _, leaf := range leaves {
		path, err := tree.Path(leaf)
		if err != nil {
			on.t.Fatal(err)
		}
		if got := on.claims(leaf, path); !strings.HasPrefix(got, "success") {
			return got
		}
	}
	return fmt.Sprintf("success %s", new(big.Int).Sub(on.supply(), before))
}

func (on *stage) supply() *big.Int { return on.get("totalSupply").(*big.Int) }

func (on *stage) activeTotal() *big.Int {
	on.t.Helper()
	out, err := on.try(on.pack("active"))
	if err != nil {
		on.t.Fatal(err)
	}
	return new(big.Int).SetBytes(out[32:64]) // root, total, epoch
}
