package proofs_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/bundle"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

func bundleRows(t *testing.T) []row {
	pool, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	l := forLedger{t, pool}
	logKey := "log: " + pool.Log.VKey()
	of := func(worker int) *bundle.Bundle {
		b, err := pool.Bundle(worker)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	good := func(name, comment string, b *bundle.Bundle, more ...string) row {
		return row{name: "bundle_" + name, kind: "bundle", comment: comment, expect: success, facts: l.facts(append([]string{logKey}, more...)...), body: b.Bytes(), file: true}
	}
	// reading is for one who pays nothing.
	reading := func(r row) row { r.kind = "reading"; return r }
	// bent is worker 0's bundle after a change.
	bent := func(name, what, comment, class, field string, bend func(b *bundle.Bundle)) row {
		b := of(0)
		bend(b)
		r := good(name, comment, b)
		r.class, r.expect = what, refused(class, field)
		return r
	}
	witnessed := func(name, comment, line string) row {
		b := of(0)
		b.Log.Contribution += line
		return good(name, comment, b)
	}
	spelt := func(name, comment, field, old, replacement string) row {
		r := good(name, comment, of(0))
		r.body = bytes.Replace(r.body, []byte(old), []byte(replacement), 1)
		r.class, r.expect = "not canonical", refused(class.NotCanonical, field)
		return r
	}
	otherFacts := func(name, what, comment, class, field, old, replacement string) row {
		r := good(name, comment, of(0))
		for i, f := range r.facts {
			if strings.HasPrefix(f, old) {
				r.facts[i] = replacement
			}
		}
		r.class, r.expect = what, refused(class, field)
		return r
	}
	root := pool.Epoch.Root(1, scenario.Now+86_400, scenario.ID("checkpoint"))
	signRoot := func(f func(*proofs.EpochRoot), places ...int) *proofs.Envelope {
		r := root
		f(&r)
		return l.sign(r, nil, places...)
	}
	noLog := of(1)
	noLog.Log, noLog.Attachments = nil, nil
	noRoot := of(2)
	noRoot.EpochRoot, noRoot.Merkle, noRoot.Log.EpochRoot, noRoot.Log.Consistency = nil, nil, "", ""
	tied := of(scenario.Workers - 1)
	tied.EpochRoot = pool.Root
	otherDigest := sha256.Sum256(of(0).Contribution.Body)
	return []row{
		good("full", "contribution, root, path, log and an attachment", of(0)),
		good("es256k", "the contribution signed with es256k", of(3)),
		reading(good("rejection", "a rejection: ed25519, neither root nor path", of(scenario.Workers-1))),
		reading(good("rejection_with_root", "tied to the root by the log's checkpoint alone", tied)),
		good("without_log", "a path is enough", noLog),
		reading(good("without_root", "before the epoch ends", noRoot)),
		bent("other_path", "another leaf", "the path of worker 1", class.BadPath, "merkle", func(b *bundle.Bundle) { b.Merkle = of(1).Merkle }),
		bent("truncated_path", "truncated path", "the last node missing", class.BadPath, "merkle", func(b *bundle.Bundle) { b.Merkle = b.Merkle[:len(b.Merkle)-1] }),
		bent("empty_path", "truncated path", "the root for a leaf", class.BadPath, "merkle", func(b *bundle.Bundle) { b.Merkle = []proofs.Hash{} }),
		bent("path_without_root", "truncated path", "a path to nowhere", class.BadPath, "merkle", func(b *bundle.Bundle) { b.EpochRoot = nil }),
		bent("other_contribution", "another leaf", "worker 1's contribution on worker 0's path", class.BadPath, "merkle", func(b *bundle.Bundle) { b.Contribution = of(1).Contribution }),
		bent("root_below_quorum", "below quorum", "two of three", class.BelowQuorum, "epochRoot.signatures",
			func(b *bundle.Bundle) { b.EpochRoot = signRoot(func(*proofs.EpochRoot) {}, 1, 2) }),
		bent("root_of_other_set", "wrong signer set", "of set 2", class.WrongSignerSet, "epochRoot.payload.signerSet",
			func(b *bundle.Bundle) { b.EpochRoot = signRoot(func(r *proofs.EpochRoot) { r.SignerSet = 2 }, 0, 1, 2) }),
		bent("root_of_other_pool", "wrong pool", "another pool", class.WrongPool, "epochRoot.payload.poolId",
			func(b *bundle.Bundle) {
				b.EpochRoot = signRoot(func(r *proofs.EpochRoot) { r.PoolID[0] ^= 1 }, 0, 1, 2)
			}),
		bent("root_before_contribution", "replayed epoch", "epoch 1, the contribution's is 2", class.WrongEpoch, "epochRoot.payload.epoch",
			func(b *bundle.Bundle) { b.EpochRoot = signRoot(func(r *proofs.EpochRoot) { r.Epoch = 1 }, 0, 1, 2) }),
		reading(bent("root_says_nothing", "uncorroborated", "no path, and another checkpoint", class.Uncorroborated, "epochRoot.payload.checkpointHash",
			func(b *bundle.Bundle) { b.EpochRoot, b.Merkle = signRoot(func(*proofs.EpochRoot) {}, 0, 1, 2), nil })),
		reading(bent("root_for_nothing", "uncorroborated", "neither path nor log", class.Uncorroborated, "epochRoot",
			func(b *bundle.Bundle) { b.Merkle, b.Log = nil, nil })),
		bent("root_is_contribution", "wrong type", "a contribution in the root's place", class.WrongType, "epochRoot.payloadType",
			func(b *bundle.Bundle) { b.EpochRoot = b.Contribution }),
		bent("rejection_paid", "bad path", "a rejection, to pay on", class.BadPath, "merkle", func(b *bundle.Bundle) { *b = *of(scenario.Workers - 1) }),
		bent("tied_paid", "bad path", "in the log under the root's checkpoint, to pay on", class.BadPath, "merkle", func(b *bundle.Bundle) { b.Merkle = nil }),
		bent("without_root_paid", "bad path", "one key's word, to pay on", class.BadPath, "merkle", func(b *bundle.Bundle) { *b = *noRoot }),
		bent("set_number", "wrong signer set", "refers to set 2", class.WrongSignerSet, "signerSet.set", func(b *bundle.Bundle) { b.SignerSet = 2 }),
		bent("set_digest", "wrong signer set", "refers to another set 1", class.WrongSignerSet, "signerSet.digest", func(b *bundle.Bundle) { b.SignerSetDigest[0] ^= 1 }),
		bent("log_of_other", "bad log", "worker 1's inclusion", class.BadLog, "log.contribution", func(b *bundle.Bundle) { b.Log.Contribution = of(1).Log.Contribution }),
		bent("log_index", "bad log", "another index", class.BadLog, "log.contribution",
			func(b *bundle.Bundle) {
				b.Log.Contribution = strings.Replace(b.Log.Contribution, "index 0", "index 1", 1)
			}),
		bent("log_index_padded", "bad log", "an index with a leading zero", class.BadLog, "log.contribution",
			func(b *bundle.Bundle) {
				b.Log.Contribution = strings.Replace(b.Log.Contribution, "index 0", "index 00", 1)
			}),
		bent("log_extra", "bad log", "a line that nothing signs", class.BadLog, "log.contribution",
			func(b *bundle.Bundle) {
				b.Log.Contribution = strings.Replace(b.Log.Contribution, "index", "extra AA==\nindex", 1)
			}),
		witnessed("log_unknown_witness", "a witness that this reader does not know", "— witness.example AAAAAAAA\n"),
		witnessed("log_signed_twice", "the log's signature twice", of(0).Log.Contribution[strings.Index(of(0).Log.Contribution, "—"):]),
		bent("log_unknown_witness_alone", "bad log", "nobody's signature but a stranger's", class.BadLog, "log.contribution",
			func(b *bundle.Bundle) {
				b.Log.Contribution = b.Log.Contribution[:strings.Index(b.Log.Contribution, "—")] + "— witness.example AAAAAAAA\n"
			}),
		bent("log_changed_signature", "bad log", "the log's signature changed, a stranger's behind it", class.BadLog, "log.contribution",
			func(b *bundle.Bundle) {
				at := len(b.Log.Contribution) - 20
				b.Log.Contribution = b.Log.Contribution[:at] + other(b.Log.Contribution[at]) + b.Log.Contribution[at+1:] + "— witness.example AAAAAAAA\n"
			}),
		bent("log_no_signature", "bad log", "a checkpoint that nobody signed", class.BadLog, "log.contribution",
			func(b *bundle.Bundle) {
				b.Log.Contribution = b.Log.Contribution[:strings.Index(b.Log.Contribution, "—")]
			}),
		bent("log_no_consistency", "bad log", "two checkpoints and nothing between them", class.BadLog, "log.consistency", func(b *bundle.Bundle) { b.Log.Consistency = "" }),
		bent("log_consistency_old", "bad log", "from another size", class.BadLog, "log.consistency",
			func(b *bundle.Bundle) { b.Log.Consistency = strings.Replace(b.Log.Consistency, "old 5", "old 4", 1) }),
		bent("log_root_missing", "bad log", "consistency without an inclusion", class.BadLog, "log.epochRoot", func(b *bundle.Bundle) { b.Log.EpochRoot = "" }),
		bent("attachment_of_ours", "wrong type", "an epoch root among the documents", class.WrongType, "attachments[1].payloadType",
			func(b *bundle.Bundle) { b.Attachments = append(b.Attachments, b.EpochRoot) }),
		bent("attachment_by_stranger", "wrong signer set", "by nobody's key", class.WrongSignerSet, "attachments[0].signatures[0].keyid",
			func(b *bundle.Bundle) {
				env, err := proofs.Sign(proofs.Document{Type: "text/plain"}, scenario.Ed25519("stranger"))
				if err != nil {
					t.Fatal(err)
				}
				b.Attachments[0] = env
			}),
		otherFacts("expired", "expired", "read a second after notAfter", class.Expired, "epochRoot.payload.notAfter", "now: ", fmt.Sprintf("now: %d", scenario.Now+86_401)),
		otherFacts("from_the_future", "from the future", "issued 301 seconds ahead", class.FromTheFuture, "contribution.payload.issuedAt", "now: ", fmt.Sprintf("now: %d", scenario.Now-301)),
		otherFacts("wrong_audience", "wrong audience", "read by another ledger", class.WrongAudience, "contribution.payload.audience", "audience: ", "audience: "+scenario.ID("urn:db:test").String()),
		otherFacts("wrong_pool", "wrong pool", "read by another pool", class.WrongPool, "contribution.payload.poolId", "pool: ", "pool: "+scenario.ID("x").String()),
		otherFacts("wrong_policy", "wrong policy", "after a vote", class.WrongPolicy, "epochRoot.payload.policyHash", "policy: ", "policy: "+scenario.ID("x").String()),
		otherFacts("wrong_log_key", "bad log", "another log of that name", class.BadLog, "log.contribution", "log: ", "log: "+scenario.NewLog("other").VKey()),
		otherFacts("revoked", "revoked", "the contribution was taken back", class.Revoked, "contribution.payload", "log: ", logKey+"\nrevoked: "+proofs.Hash(otherDigest).String()),
		otherFacts("other_signers", "wrong signer set", "read with another set of the same number", class.WrongSignerSet, "signerSet.digest", "signers: ",
			"signers: "+hex.EncodeToString(change(encode(t, pool.Set), 5, 31, 2))),
		spelt("next_version", "a bundle of version 2", "bundle", "vproof/v1", "vproof/v2"),
		spelt("white_space", "a space behind a colon", "epochRoot.payloadType", `"epochRoot":{`, `"epochRoot": {`),
		spelt("unknown_field", "a field more", "merkle", `,"merkle"`, `,"x":1,"merkle"`),
		spelt("missing_field", "no attachments", "attachments", `,"attachments":[`, `[`),
		spelt("set_padded", "a leading zero", "signerSet.set", `"set":"1"`, `"set":"01"`),
		spelt("path_upper_case", "hex in capitals", "merkle[0]", `"merkle":["0x`, `"merkle":["0X`),
		spelt("text_escape", "an escape that is not needed", "log.contribution", `"log":{"contribution":"c`, `"log":{"contribution":"\u0063`),
		spelt("no_newline", "the last byte missing", "attachments", "}]}]}\n", "}]}]}"),
	}
}

// other is another letter than this one.
func other(letter byte) string {
	if letter == 'A' {
		return "B"
	}
	return "A"
}
