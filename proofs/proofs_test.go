package proofs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"strings"
	"testing"
)

// sample is a contribution with a different value in every field and the
// awkward ones (negative, beyond 64 bits) where they may be.
func sample() Contribution {
	id := func(s string) Hash { return sha256.Sum256([]byte(s)) }
	return Contribution{
		Audience: id("urn:db:test"), PoolID: id("pool"), Epoch: 7, TaskID: id("task"), WorkerID: id("worker"),
		Account: Hash{31: 0xaa, 12: 0x01}, Units: Uint128{1, 5}, CumulativeUnits: Uint128{1 << 63, 9},
		Shapley: Int(-123_456_789), StdErr: Uint(42), Verdict: Verdict{Partial, Mismatch},
		StepsClaimed: 1000, StepsReplayed: 40, StepsFailed: 2,
		PolicyHash: id("policy"), EvidenceRoot: id("evidence"), EngineHash: id("engine"), SampleSeed: id("seed"),
		IssuedAt: 1_795_000_000,
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAProofThatIsSignedVerifiesAndSaysTheSame(t *testing.T) {
	key := newKey(t)
	env, err := Sign(sample(), key)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseEnvelope(env.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got, err := back.Verify(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if got != sample() {
		t.Errorf("got %+v, want %+v", got, sample())
	}
}

func TestEveryFlippedByteOfAProofFileIsRefused(t *testing.T) {
	key := newKey(t)
	env, err := Sign(sample(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := env.Bytes()
	for i := range file {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			bad := bytes.Clone(file)
			bad[i] ^= flip
			e, err := ParseEnvelope(bad)
			if err != nil {
				continue
			}
			if _, err := e.Verify(&key.PublicKey); err == nil {
				t.Fatalf("byte %d (%q) flipped by 0x%02x still verifies", i, file[i], flip)
			}
		}
	}
}

func TestEveryFlippedByteOfABodyIsRefusedByTheSignature(t *testing.T) {
	key := newKey(t)
	env, err := Sign(sample(), key)
	if err != nil {
		t.Fatal(err)
	}
	for i := range env.body {
		bad := bytes.Clone(env.body)
		bad[i] ^= 1
		if err := verify(PayloadType, bad, env.sig, &key.PublicKey); !errors.Is(err, ErrSignature) {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
	}
}

func TestAnotherKeyDoesNotVerify(t *testing.T) {
	env, err := Sign(sample(), newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := env.Verify(&newKey(t).PublicKey); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v, want ErrSignature", err)
	}
}

func TestARewrittenKeyIDIsRefused(t *testing.T) {
	key := newKey(t)
	env, err := Sign(sample(), key)
	if err != nil {
		t.Fatal(err)
	}
	env.keyID[0] ^= 1
	if _, err := env.Verify(&key.PublicKey); err == nil || !strings.Contains(err.Error(), "keyid") {
		t.Errorf("got %v, want an error that names keyid", err)
	}
}

// highS signs as a key would that does not care for the lower half.
type highS struct{ *ecdsa.PrivateKey }

func (k highS) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	der, err := k.PrivateKey.Sign(r, digest, opts)
	if err != nil {
		return nil, err
	}
	var sig derSignature
	if _, err := asn1.Unmarshal(der, &sig); err != nil {
		return nil, err
	}
	return asn1.Marshal(derSignature{sig.R, upper(sig.S)})
}

func upper(s *big.Int) *big.Int {
	if high(s) {
		return s
	}
	return new(big.Int).Sub(elliptic.P256().Params().N, s)
}

func TestSignGivesLowSWhateverTheKeyGives(t *testing.T) {
	key := newKey(t)
	env, err := Sign(sample(), highS{key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := env.Verify(&key.PublicKey); err != nil {
		t.Error(err)
	}
}

func TestAHighSSignatureIsRefusedThoughItIsMathematicallyValid(t *testing.T) {
	key := newKey(t)
	body, err := sample().Encode()
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(PAE(PayloadType, body))
	der, err := highS{key}.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], der) {
		t.Fatal("the test's own signature is wrong")
	}
	if err := verify(PayloadType, body, der, &key.PublicKey); err == nil || !strings.Contains(err.Error(), "high-s") {
		t.Errorf("got %v, want an error about high-s", err)
	}
}

func TestOnlyP256KeysSign(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(sample(), key); err == nil {
		t.Error("a P-384 key signed")
	}
}

func TestABrokenSignerIsCaughtBeforeItsProofLeaves(t *testing.T) {
	if _, err := Sign(sample(), liar{newKey(t), newKey(t)}); !errors.Is(err, ErrSignature) {
		t.Errorf("got %v, want ErrSignature", err)
	}
}

// liar shows one public key and signs with another.
type liar struct{ shown, used *ecdsa.PrivateKey }

func (l liar) Public() crypto.PublicKey { return l.shown.Public() }

func (l liar) Sign(r io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return l.used.Sign(r, digest, opts)
}

func TestAnEnvelopeHasOneSpelling(t *testing.T) {
	env, err := Sign(sample(), newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	file := string(env.Bytes())
	for name, bad := range map[string]string{
		"no newline":        strings.TrimSuffix(file, "\n"),
		"trailing data":     file + "{}",
		"white space":       strings.Replace(file, ":", ": ", 1),
		"unknown field":     strings.Replace(file, "{", `{"x":1,`, 1),
		"duplicate field":   strings.Replace(file, "{", `{"payload":"",`, 1),
		"other case":        strings.Replace(file, "payloadType", "PayloadType", 1),
		"other type":        strings.Replace(file, "v1+abi", "v2+abi", 1),
		"two signatures":    strings.Replace(file, "}]", `},{"keyid":"","sig":""}]`, 1),
		"no signature":      file[:strings.Index(file, "[")+1] + "]}\n",
		"base64 by URL":     strings.NewReplacer("+", "-", "/", "_").Replace(file),
		"escaped character": strings.Replace(file, `"keyid":"0`, `"keyid":"\u0030`, 1),
		"upper-case hex":    strings.Replace(file, `"keyid":"0x`, `"keyid":"0X`, 1),
		"oversized":         file + strings.Repeat(" ", MaxEnvelopeSize),
		"empty":             "",
		"deep":              strings.Repeat("[", MaxEnvelopeSize),
		"truncated":         file[:len(file)/2],
	} {
		if bad == file {
			t.Errorf("%s: the case changes nothing", name)
		}
		if _, err := ParseEnvelope([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestTheJSONViewHasNoNumbersThatLoseDigits(t *testing.T) {
	c := sample()
	c.Epoch = 1<<64 - 1
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var view map[string]string
	if err := json.Unmarshal(data, &view); err != nil {
		t.Fatalf("not all values are strings: %v", err)
	}
	for field, want := range map[string]string{
		"epoch": "18446744073709551615", "units": "18446744073709551621", "shapley": "-123456789",
		"verdict": "partial/mismatch", "nullifier": c.Nullifier().String(),
	} {
		if view[field] != want {
			t.Errorf("%s is %q, want %q", field, view[field], want)
		}
	}
	if len(view) != 20 {
		t.Errorf("%d fields in the view, want 20", len(view))
	}
}

func TestDecimalsHaveOneSpellingAndStayInRange(t *testing.T) {
	const max, min = "170141183460469231731687303715884105727", "-170141183460469231731687303715884105728"
	for _, s := range []string{"0", "1", "-1", max, min} {
		if v, err := ParseInt128(s); err != nil || v.String() != s {
			t.Errorf("ParseInt128(%s) = %v, %v", s, v, err)
		}
	}
	for _, s := range []string{"0", "18446744073709551616", "340282366920938463463374607431768211455"} {
		if v, err := ParseUint128(s); err != nil || v.String() != s {
			t.Errorf("ParseUint128(%s) = %v, %v", s, v, err)
		}
	}
	for _, s := range []string{"", "+1", "01", "-0", " 1", "1_0", "0x1", "1e3", "170141183460469231731687303715884105728",
		"-170141183460469231731687303715884105729", strings.Repeat("9", 1000)} {
		if v, err := ParseInt128(s); err == nil {
			t.Errorf("ParseInt128(%.50q) = %v", s, v)
		}
	}
	for _, s := range []string{"-1", "340282366920938463463374607431768211456"} {
		if v, err := ParseUint128(s); err == nil {
			t.Errorf("ParseUint128(%q) = %v", s, v)
		}
	}
}
