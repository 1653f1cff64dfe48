package proofs_test

import (
	"bytes"
	"crypto"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

// enveloped rows are envelope files for a reader who trusts the pool's five
// keys and asks for a number of them.
type enveloped struct{ facts []string }

func newEnveloped(pool *scenario.Pool, threshold int) enveloped {
	var keys []string
	for _, k := range pool.Set.Keys {
		keys = append(keys, hex.EncodeToString(proofs.SPKI(k)))
	}
	return enveloped{[]string{"keys: " + strings.Join(keys, ","), fmt.Sprintf("threshold: %d", threshold)}}
}

func (e enveloped) good(name, comment string, file []byte) row {
	return row{name: name, kind: "envelope", comment: comment, expect: success, facts: e.facts, body: file, file: true}
}

func (e enveloped) bad(name, what, comment, class, field string, file []byte) row {
	r := e.good(name, comment, file)
	r.class, r.expect = what, refused(class, field)
	return r
}

// signedBy is the statement signed by some of the pool's keys.
func signedBy(t *testing.T, pool *scenario.Pool, s proofs.Statement, places ...int) *proofs.Envelope {
	t.Helper()
	env, err := pool.Sign(s, places...)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// unsorted is an envelope's file with its signatures as they come, which
// Bytes would sort.
func unsorted(env *proofs.Envelope, signatures ...proofs.Signature) []byte {
	b64 := base64.StdEncoding.EncodeToString
	var list []string
	for _, s := range signatures {
		list = append(list, fmt.Sprintf(`{"keyid":"%s","sig":"%s"}`, s.KeyID, b64(s.Sig)))
	}
	return fmt.Appendf(nil, `{"payloadType":"%s","payload":"%s","signatures":[%s]}`+"\n", env.Type, b64(env.Body), strings.Join(list, ","))
}

func envelopeRows(t *testing.T) []row {
	pool, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(quorumRows(t, pool), spellingRows(t, pool))
}

func quorumRows(t *testing.T, pool *scenario.Pool) []row {
	one, three := newEnveloped(pool, 1), newEnveloped(pool, 3)
	root := signedBy(t, pool, proofs.SampleRoot(), 0, 3, 4)
	all := signedBy(t, pool, proofs.SampleRoot(), 0, 1, 2, 3, 4)
	s := root.Signatures
	stranger, err := proofs.Sign(proofs.SampleRoot(), scenario.Ed25519("stranger"))
	if err != nil {
		t.Fatal(err)
	}
	two := signedBy(t, pool, proofs.SampleRoot(), 0, 1)
	withStranger := append(slices.Clone(s), stranger.Signatures[0])
	slices.SortFunc(withStranger, func(a, b proofs.Signature) int { return bytes.Compare(a.KeyID[:], b.KeyID[:]) })
	place := slices.IndexFunc(withStranger, func(s proofs.Signature) bool { return s.KeyID == stranger.Signatures[0].KeyID })

	// The same key signs twice with two nonces: other bytes, one signer.
	again, err := newRFC6979Key(t).PrivateKey.Sign(nil, make([]byte, 32), crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	bent := slices.Clone(all.Signatures)
	bent[1].Sig = bent[0].Sig
	contribution := signedBy(t, pool, proofs.Sample(), 0)
	more := signedBy(t, pool, proofs.Sample(), 1)
	pair := append(slices.Clone(contribution.Signatures), more.Signatures...)
	slices.SortFunc(pair, func(a, b proofs.Signature) int { return bytes.Compare(a.KeyID[:], b.KeyID[:]) })
	lowest := slices.MinFunc(pool.Set.Keys, func(a, b proofs.Key) int {
		x, y := idOf(t, a), idOf(t, b)
		return bytes.Compare(x[:], y[:])
	})
	lone := idOf(t, lowest)
	mislabelled := slices.Clone(root.Signatures[:1])
	mislabelled[0].KeyID[0] ^= 1
	revocation := signedBy(t, pool, proofs.SampleRevocation(), 0, 1, 2)
	replaced := revocation.Bytes()
	replaced = bytes.Replace(replaced, []byte(base64.StdEncoding.EncodeToString(revocation.Body)),
		[]byte(base64.StdEncoding.EncodeToString(change(revocation.Body, 4, 31, 1))), 1)
	return []row{
		one.bad("envelope_contribution_by_its_worker", "wrong signer set", "a good signature of a trusted key, by which the work was done", class.WrongSignerSet,
			"signatures[0].keyid", byItsWorker(t, pool)),
		one.good("envelope_contribution", "es256", contribution.Bytes()),
		one.good("envelope_contribution_es256k", "es256k", signedBy(t, pool, proofs.Sample(), 3).Bytes()),
		one.good("envelope_contribution_ed25519", "ed25519", signedBy(t, pool, proofs.Sample(), 4).Bytes()),
		three.good("envelope_quorum", "an epoch root by three keys of three algorithms", root.Bytes()),
		three.good("envelope_more_than_quorum", "by all five", all.Bytes()),
		three.good("envelope_signer_set", "the set, by all of its keys", signedBy(t, pool, pool.Set, 0, 1, 2, 3, 4).Bytes()),
		one.good("envelope_document", "a foreign document", signedBy(t, pool, proofs.Document{Type: "application/vnd.in-toto+json", Body: []byte("{}")}, 2).Bytes()),
		three.bad("envelope_below_quorum", "below quorum", "two of three", class.BelowQuorum, "signatures", two.Bytes()),
		three.bad("envelope_contribution_below_quorum", "below quorum", "a contribution has one signer", class.BelowQuorum, "signatures", contribution.Bytes()),
		three.bad("envelope_signer_twice", "duplicated signer", "one of two keys twice", class.Duplicate, "signatures[1].keyid",
			unsorted(two, two.Signatures[0], two.Signatures[0], two.Signatures[1])),
		three.bad("envelope_signer_twice_other_bytes", "duplicated signer", "one key twice, with other bytes the second time", class.Duplicate, "signatures[1].keyid",
			unsorted(two, two.Signatures[0], proofs.Signature{KeyID: two.Signatures[0].KeyID, Sig: again}, two.Signatures[1])),
		three.bad("envelope_unsorted", "not canonical", "two signatures swapped", class.NotCanonical, "signatures[1].keyid", unsorted(root, s[1], s[0], s[2])),
		three.bad("envelope_stranger", "wrong signer set", "three good signatures and one by nobody's key", class.WrongSignerSet,
			fmt.Sprintf("signatures[%d].keyid", place), unsorted(root, withStranger...)),
		three.bad("envelope_bad_among_good", "bad signature", "five signers, the second with another's bytes", badOf(bent[1], pool, t), "signatures[1].sig", unsorted(all, bent...)),
		three.bad("envelope_mislabelled", "wrong signer set", "keyid changed by a bit", class.WrongSignerSet, "signatures[0].keyid", unsorted(root, mislabelled...)),
		one.bad("envelope_contribution_two_signers", "duplicated signer", "a contribution has one signature", class.NotCanonical, "signatures", unsorted(contribution, pair...)),
		three.bad("envelope_body_replaced", "bad signature", "another target kind under the same signatures", badOf(revocation.Signatures[0], pool, t), "signatures[0].sig", replaced),
		one.bad("envelope_empty_signature", "bad form", "no bytes", class.BadForm, "signatures[0].sig",
			unsorted(contribution, proofs.Signature{KeyID: lone})),
		one.bad("envelope_other_length", "bad form", "neither DER nor 64 bytes", class.BadForm, "signatures[0].sig",
			unsorted(contribution, proofs.Signature{KeyID: lone, Sig: make([]byte, 65)})),
		one.bad("envelope_dirty_body", "dirty padding", "a fault in the body is named before any signature", class.DirtyPadding, "payload.epoch",
			unsorted(&proofs.Envelope{Type: contributionType, Body: change(contribution.Body, 2, 0, 1)}, contribution.Signatures...)),
		one.bad("envelope_other_type", "wrong type", "an epoch root under the type of a revocation", class.BadLength, "payload.body",
			unsorted(&proofs.Envelope{Type: revocationType, Body: root.Body}, s...)),
	}
}

// byItsWorker is a contribution of one of the set's keys, signed by that key.
func byItsWorker(t *testing.T, pool *scenario.Pool) []byte {
	t.Helper()
	key := pool.Set.Keys[4] // ed25519, whose signatures have one form
	c := proofs.Sample()
	c.WorkerID = idOf(t, key)
	if _, err := proofs.Sign(c, pool.Signers[key]); err == nil {
		t.Error("a worker signs a contribution of its own")
	}
	body := encode(t, c)
	sig, err := pool.Signers[key].Sign(nil, proofs.PAEOf(contributionType, body), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	return (&proofs.Envelope{Type: contributionType, Body: body, Signatures: []proofs.Signature{{KeyID: c.WorkerID, Sig: sig}}}).Bytes()
}

func idOf(t *testing.T, k proofs.Key) proofs.Hash {
	t.Helper()
	id, err := proofs.KeyID(k)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// badOf is the class of a signature that is good over something else: of an
// Ed25519 key that is offered DER it is the form.
func badOf(s proofs.Signature, pool *scenario.Pool, t *testing.T) string {
	for _, k := range pool.Set.Keys {
		if idOf(t, k) == s.KeyID && (k.Alg == "ed25519") != (len(s.Sig) == 64) {
			return class.BadForm
		}
	}
	return class.BadSignature
}

func spellingRows(t *testing.T, pool *scenario.Pool) []row {
	one := newEnveloped(pool, 1)
	file := string(signedBy(t, pool, proofs.Sample(), 0).Bytes())
	spelt := func(name, comment, field, old, replacement string) row {
		bad := strings.Replace(file, old, replacement, 1)
		if bad == file {
			t.Fatalf("%s changes nothing", name)
		}
		return one.bad("envelope_"+name, "not canonical", comment, class.NotCanonical, field, []byte(bad))
	}
	end := strings.Index(file, `","signatures"`)
	return []row{
		spelt("no_newline", "the last byte missing", "signatures", "]}\n", "]}"),
		spelt("crlf", "a carriage return before the newline", "signatures", "]}\n", "]}\r\n"),
		spelt("trailing_data", "an object behind the envelope", "envelope", "]}\n", "]}\n{}"),
		spelt("white_space", "a space behind a colon", "payload", `"payload":`, `"payload": `),
		spelt("unknown_field", "a field more", "payload", `"payload":`, `"x":1,"payload":`),
		spelt("missing_field", "no signatures", "signatures", file[end+2:], "}\n"),
		spelt("fields_swapped", "payload before its type", "payloadType", `{"payloadType":"`+contributionType+`","payload"`, `{"payload"`),
		spelt("duplicate_field", "the type twice", "payload", `,"payload"`, `,"payloadType":"text/plain","payload"`),
		spelt("field_case", "a field in another case", "payloadType", `"payloadType"`, `"PayloadType"`),
		spelt("no_signatures", "an empty list", "signatures[0].keyid", file[end+16:], "]}\n"),
		spelt("escape", "an escaped character", "signatures[0].keyid", `"keyid":"0`, `"keyid":"\u0030`),
		spelt("upper_case_hex", "0X", "signatures[0].keyid", `"keyid":"0x`, `"keyid":"0X`),
		spelt("short_keyid", "a digit less", "signatures[0].keyid", `","sig"`, `0","sig"`),
		spelt("base64_unpadded", "no padding", "payload", file[end-2:end], "A"),
		spelt("base64_spare_bits", "bits set that belong to no byte", "payload", file[end-2:end], "B="),
		spelt("base64_newline", "a line feed in base64", "payload", `"payload":"`, `"payload":"`+"\n"),
		one.bad("envelope_empty", "bad length", "nothing", class.NotCanonical, "payloadType", nil),
		one.bad("envelope_truncated", "bad length", "half of the file", class.NotCanonical, "payload", []byte(file[:len(file)/2])),
		one.bad("envelope_other_json", "not canonical", "another JSON file", class.NotCanonical, "payloadType", []byte("[]\n")),
		one.bad("envelope_large", "bad length", "over 32,768 bytes", class.BadLength, "envelope", []byte(file+strings.Repeat(" ", 32<<10))),
	}
}
