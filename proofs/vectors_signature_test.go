package proofs_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"slices"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/class"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

// rfc6979Key is the example key for P-256 in RFC 6979, appendix A.2.5.
type rfc6979Key struct{ *ecdsa.PrivateKey }

func newRFC6979Key(t *testing.T) rfc6979Key {
	t.Helper()
	scalar, _ := hex.DecodeString("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		t.Fatal(err)
	}
	return rfc6979Key{key}
}

func keyOf(t *testing.T, signer crypto.Signer) proofs.Key {
	t.Helper()
	key, err := proofs.NewKey(signer.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// es256Of is the low-s signature of a body, always the same.
func es256Of(t *testing.T, key *ecdsa.PrivateKey, body []byte) []byte {
	t.Helper()
	digest := sha256.Sum256(proofs.PAEOf(contributionType, body))
	// Without a source of randomness the signature is RFC 6979's.
	der, err := key.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	r, s, _ := proofs.SplitDER(der)
	if order := elliptic.P256().Params().N; proofs.High(s, order) {
		s = minus(s, order)
	}
	return proofs.JoinDER(r, s)
}

func minus(s proofs.Hash, order *big.Int) (n proofs.Hash) {
	new(big.Int).Sub(order, new(big.Int).SetBytes(s[:])).FillBytes(n[:])
	return n
}

// signed rows are signatures of the sample contribution by one key.
type signed struct {
	t    *testing.T
	key  proofs.Key
	body []byte
}

func (s signed) good(name, comment string, sig []byte) row {
	return row{name: name, kind: "signature", comment: comment, expect: success, body: s.body, facts: []string{
		"type: " + contributionType, "key: " + hex.EncodeToString(proofs.SPKI(s.key)), "sig: " + hexOrNone(sig),
	}}
}

// hexOrNone is sig in hex; an empty one is 0x, so that the header has a value.
func hexOrNone(sig []byte) string {
	if len(sig) == 0 {
		return "0x"
	}
	return hex.EncodeToString(sig)
}

func (s signed) bad(name, what, comment, class string, sig []byte) row {
	r := s.good(name, comment, sig)
	r.class, r.expect = what, refused(class, "signatures[0].sig")
	return r
}

// with is a row about another body.
func (r row) with(body []byte) row { r.body = body; return r }

func signatureRows(t *testing.T) []row {
	return slices.Concat(es256Rows(t), es256kRows(t), ed25519Rows(t))
}

// ecdsaRows are those that are the same on both curves, after the good
// signature sig.
func ecdsaRows(s signed, prefix string, sig []byte, order *big.Int) []row {
	r, sv, _ := proofs.SplitDER(sig)
	var n proofs.Hash
	order.FillBytes(n[:])
	half := new(big.Int).Rsh(order, 1)
	var above proofs.Hash
	half.Add(half, big.NewInt(1)).FillBytes(above[:])
	one := proofs.Hash{31: 1}
	return []row{
		s.bad(prefix+"_zero_s", "s out of range", "s = 0", class.BadForm, []byte{0x30, 6, 2, 1, 1, 2, 1, 0}),
		s.bad(prefix+"_r_is_n", "r out of range", "r = n", class.BadForm, proofs.JoinDER(n, sv)),
		s.bad(prefix+"_s_is_n", "s out of range", "s = n", class.BadForm, proofs.JoinDER(r, n)),
		s.bad(prefix+"_first_high_s", "high-s", "s = (n+1)/2, the least that is refused", class.HighS, proofs.JoinDER(one, above)),
		s.bad(prefix+"_swapped", "bad signature", "s for r and r for s, which is low", class.BadSignature, proofs.JoinDER(lowOf(sv, order), lowOf(r, order))),
		s.bad(prefix+"_one_one", "bad signature", "r = s = 1", class.BadSignature, proofs.JoinDER(one, one)),
		s.bad(prefix+"_raw", "bad form", "r and s as 64 bytes", class.BadForm, append(r[:], sv[:]...)),
		s.bad(prefix+"_long_length", "bad form", "BER: the length in two bytes", class.BadForm, append([]byte{0x30, 0x81, byte(len(sig) - 2)}, sig[2:]...)),
		s.bad(prefix+"_indefinite_length", "bad form", "BER: no length", class.BadForm, slices.Concat([]byte{0x30, 0x80}, sig[2:], []byte{0, 0})),
		s.bad(prefix+"_trailing_inside", "bad form", "a NULL behind s in the sequence", class.BadForm,
			slices.Concat([]byte{0x30, sig[1] + 2}, sig[2:], []byte{5, 0})),
		s.bad(prefix+"_truncated", "bad length", "the last byte missing", class.BadForm, sig[:len(sig)-1]),
		s.bad(prefix+"_wide_integer", "bad form", "r of 33 bytes", class.BadForm,
			slices.Concat([]byte{0x30, 38, 2, 33, 1}, make([]byte, 32), []byte{2, 1, 1})),
		s.bad(prefix+"_three_integers", "bad form", "r, s and one more", class.BadForm, []byte{0x30, 9, 2, 1, 1, 2, 1, 1, 2, 1, 1}),
	}
}

func lowOf(v proofs.Hash, order *big.Int) proofs.Hash {
	if proofs.High(v, order) {
		return minus(v, order)
	}
	return v
}

func es256Rows(t *testing.T) []row {
	key := newRFC6979Key(t)
	good := encode(t, proofs.Sample())
	s := signed{t, keyOf(t, key), good}
	low := es256Of(t, key.PrivateKey, good)
	r, sv, _ := proofs.SplitDER(low)
	other, err := scenario.ES256("other")
	if err != nil {
		t.Fatal(err)
	}
	otherKey := signed{t, keyOf(t, other), good}
	root := row{name: "signed_other_type", kind: "signature", class: "bad signature", comment: "the same bytes under another payload type",
		expect: refused(class.BadSignature, "signatures[0].sig"), body: good, facts: []string{
			"type: text/plain", "key: " + hex.EncodeToString(proofs.SPKI(s.key)), "sig: " + hex.EncodeToString(low)}}
	return append([]row{
		s.good("signed", "low-s, DER", low),
		s.bad("signed_high_s", "high-s", "the same signature with n-s", class.HighS, proofs.JoinDER(r, minus(sv, elliptic.P256().Params().N))),
		s.bad("signed_trailing_byte", "bad form", "a byte after the DER", class.BadForm, append(bytes.Clone(low), 0)),
		s.bad("signed_other_body", "bad signature", "one bit of issuedAt changed after signing", class.BadSignature, low).
			with(change(good, 21, 31, good[21*32+31]^1)),
		s.bad("signed_zero_r", "r out of range", "r = 0", class.BadForm, []byte{0x30, 6, 2, 1, 0, 2, 1, 1}),
		s.bad("signed_nothing", "bad form", "an empty signature", class.BadForm, nil),
		s.bad("signed_padded_integer", "bad form", "r with a needless leading zero", class.BadForm, []byte{0x30, 7, 2, 2, 0, 1, 2, 1, 1}),
		s.bad("signed_negative_integer", "bad form", "s = -1", class.BadForm, []byte{0x30, 6, 2, 1, 1, 2, 1, 0xff}),
		otherKey.bad("signed_other_key", "bad signature", "by another key", class.BadSignature, low),
		root,
	}, ecdsaRows(s, "signed", low, elliptic.P256().Params().N)...)
}

func es256kRows(t *testing.T) []row {
	signer := scenario.ES256K("verifier k")
	env, err := proofs.Sign(proofs.Sample(), signer)
	if err != nil {
		t.Fatal(err)
	}
	s, sig := signed{t, keyOf(t, signer), env.Body}, env.Signatures[0].Sig
	r, sv, _ := proofs.SplitDER(sig)
	p256 := signed{t, keyOf(t, newRFC6979Key(t)), env.Body}
	return append([]row{
		s.good("es256k_signed", "low-s, DER", sig),
		s.bad("es256k_high_s", "high-s", "the same signature with n-s", class.HighS, proofs.JoinDER(r, minus(sv, secp256k1.Params().N))),
		s.bad("es256k_other_body", "bad signature", "one bit of the audience changed", class.BadSignature, sig).with(change(env.Body, 0, 0, env.Body[0]^1)),
		p256.bad("es256k_under_p256", "bad signature", "the same bytes, offered as es256", class.BadSignature, sig),
	}, ecdsaRows(s, "es256k", sig, secp256k1.Params().N)...)
}

func ed25519Rows(t *testing.T) []row {
	signer := scenario.Ed25519("verifier e")
	body := encode(t, proofs.Sample())
	message := proofs.PAEOf(contributionType, body)
	sign := func(message []byte) []byte {
		sig, err := signer.Sign(nil, message, crypto.Hash(0))
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	s, sig := signed{t, keyOf(t, signer), body}, sign(message)
	digest := sha256.Sum256(message)
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	malleable := bytes.Clone(sig)
	le := bytes.Clone(sig[32:])
	slices.Reverse(le)
	new(big.Int).Add(new(big.Int).SetBytes(le), order).FillBytes(le)
	slices.Reverse(le)
	copy(malleable[32:], le)
	atOrder := bytes.Clone(sig)
	order.FillBytes(le)
	slices.Reverse(le)
	copy(atOrder[32:], le)
	smallR := bytes.Clone(sig)
	copy(smallR, append([]byte{1}, make([]byte, 31)...))
	notReduced := bytes.Clone(sig)
	copy(notReduced, append(append([]byte{0xef}, bytes.Repeat([]byte{0xff}, 30)...), 0x7f))
	if !ed25519.Verify(signer.Public().(ed25519.PublicKey), message, sig) {
		t.Fatal("the generator's own signature is wrong")
	}
	p256 := signed{t, keyOf(t, newRFC6979Key(t)), body}
	return []row{
		s.good("ed25519_signed", "64 bytes", sig),
		s.bad("ed25519_s_plus_order", "malleable", "s + L: the same signature in other bytes", class.BadForm, malleable),
		s.bad("ed25519_s_is_order", "s out of range", "s = L", class.BadForm, atOrder),
		s.bad("ed25519_small_r", "bad form", "R is the identity", class.BadForm, smallR),
		s.bad("ed25519_r_not_reduced", "bad form", "R's y is 2^255-19+2", class.BadForm, notReduced),
		s.bad("ed25519_zero", "bad form", "64 zeros", class.BadForm, make([]byte, 64)),
		s.bad("ed25519_short", "bad length", "63 bytes", class.BadForm, sig[:63]),
		s.bad("ed25519_long", "bad length", "65 bytes", class.BadForm, append(bytes.Clone(sig), 0)),
		s.bad("ed25519_prehashed", "bad signature", "over the SHA-256 of the message", class.BadSignature, sign(digest[:])),
		s.bad("ed25519_over_body", "bad signature", "over the body without DSSE's encoding", class.BadSignature, sign(body)),
		s.bad("ed25519_other_body", "bad signature", "one bit of the audience changed", class.BadSignature, sig).with(change(body, 0, 0, body[0]^1)),
		s.bad("ed25519_other_r", "bad signature", "one bit of R changed", class.BadSignature, append([]byte{sig[0] ^ 1}, sig[1:]...)),
		s.bad("ed25519_der", "bad form", "an ECDSA signature offered as Ed25519", class.BadForm, es256Of(t, newRFC6979Key(t).PrivateKey, body)),
		p256.bad("ed25519_under_p256", "bad form", "an Ed25519 signature offered as es256", class.BadForm, sig),
	}
}

func keyRows(t *testing.T) []row {
	good := func(name, comment string, signer crypto.Signer) row {
		key := keyOf(t, signer)
		id := sha256.Sum256(proofs.SPKI(key))
		return row{name: name, kind: "key", comment: comment, expect: success, body: proofs.SPKI(key), facts: []string{"keyid: " + proofs.Hash(id).String()}}
	}
	bad := func(name, comment string, der []byte) row {
		return row{name: name, kind: "key", class: "bad key", comment: comment, expect: refused(class.BadKey, "key"), body: der, facts: []string{"keyid: none"}}
	}
	p256 := proofs.SPKI(keyOf(t, newRFC6979Key(t)))
	k1 := proofs.SPKI(keyOf(t, scenario.ES256K("verifier k")))
	ed := proofs.SPKI(keyOf(t, scenario.Ed25519("verifier e")))
	compressed := slices.Concat([]byte{0x30, 0x39}, p256[2:23], []byte{3, 0x22, 0, 2 + p256[90]&1}, p256[27:59])
	flip := func(der []byte, at int) []byte { b := bytes.Clone(der); b[at] ^= 1; return b }
	return []row{
		good("key_p256", "RFC 5480, uncompressed", newRFC6979Key(t)),
		good("key_secp256k1", "RFC 5480 with SEC 2's name of the curve", scenario.ES256K("verifier k")),
		good("key_ed25519", "RFC 8410", scenario.Ed25519("verifier e")),
		bad("key_p256_off_curve", "one bit of y changed", flip(p256, 90)),
		bad("key_p256_compressed", "a point has one form", compressed),
		bad("key_secp256k1_off_curve", "one bit of x changed", flip(k1, 40)),
		bad("key_trailing_byte", "a byte after the DER", append(bytes.Clone(p256), 0)),
		bad("key_truncated", "the last byte missing", ed[:len(ed)-1]),
		bad("key_ed25519_identity", "the identity", slices.Concat(ed[:12], []byte{1}, make([]byte, 31))),
		bad("key_ed448", "another algorithm of RFC 8410", flip(ed, 8)),
		bad("key_empty", "nothing", nil),
	}
}
