package proofs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"io"
	"math/big"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs/internal/class"
)

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
	got, err := Verify[Contribution](back, 1, publicKey(t, key))
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
	file, trusted := env.Bytes(), publicKey(t, key)
	for i := range file {
		for _, flip := range []byte{0x01, 0x20, 0x80} {
			bad := bytes.Clone(file)
			bad[i] ^= flip
			e, err := ParseEnvelope(bad)
			if err != nil {
				continue
			}
			if _, err := Verify[Contribution](e, 1, trusted); err == nil {
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
	for i := range env.Body {
		bad := bytes.Clone(env.Body)
		bad[i] ^= 1
		err := publicKey(t, key).verify("sig", pae(env.Type, bad), env.Signatures[0].Sig)
		if classOf(err) != class.BadSignature {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
	}
}

func TestAnotherKeyDoesNotVerify(t *testing.T) {
	env, err := Sign(sample(), newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	other := publicKey(t, newKey(t))
	if _, err := Verify[Contribution](env, 1, other); classOf(err) != class.WrongSignerSet {
		t.Errorf("got %v, want the class %s", err, class.WrongSignerSet)
	}
	env.Signatures[0].KeyID = other.id()
	if _, err := Verify[Contribution](env, 1, other); classOf(err) != class.BadSignature {
		t.Errorf("under a false name: got %v, want the class %s", err, class.BadSignature)
	}
}

func TestARewrittenKeyIDIsRefused(t *testing.T) {
	key := newKey(t)
	env, err := Sign(sample(), key)
	if err != nil {
		t.Fatal(err)
	}
	env.Signatures[0].KeyID[0] ^= 1
	if _, err := Verify[Contribution](env, 1, publicKey(t, key)); err == nil || !strings.Contains(err.Error(), "keyid") {
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
	return upper(der, elliptic.P256().Params().N), nil
}

// upper is a signature with s in the upper half of the group order.
func upper(der []byte, order *big.Int) []byte {
	r, s, _ := splitDER(der)
	if !high(s, order) {
		new(big.Int).Sub(order, new(big.Int).SetBytes(s[:])).FillBytes(s[:])
	}
	return joinDER(r, s)
}

func TestSignGivesLowSWhateverTheKeyGives(t *testing.T) {
	key := newKey(t)
	env, err := Sign(sample(), highS{key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify[Contribution](env, 1, publicKey(t, key)); err != nil {
		t.Error(err)
	}
}

func TestAHighSSignatureIsRefusedThoughItIsMathematicallyValid(t *testing.T) {
	key := newKey(t)
	message, err := PAE(sample())
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(message)
	der, err := highS{key}.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	if !ecdsa.VerifyASN1(&key.PublicKey, digest[:], der) {
		t.Fatal("the test's own signature is wrong")
	}
	if err := publicKey(t, key).verify("sig", message, der); classOf(err) != class.HighS {
		t.Errorf("got %v, want the class %s", err, class.HighS)
	}
}

func TestOnlyKeysOfAKnownAlgorithmSign(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Sign(sample(), key); err == nil {
		t.Error("a P-384 key signed")
	}
}

func TestABrokenSignerIsCaughtBeforeItsProofLeaves(t *testing.T) {
	if _, err := Sign(sample(), liar{newKey(t), newKey(t)}); classOf(err) != class.BadSignature {
		t.Errorf("got %v, want the class %s", err, class.BadSignature)
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
		"oversized":         file + strings.Repeat(" ", maxEnvelope),
		"empty":             "",
		"deep":              strings.Repeat("[", maxEnvelope),
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
	data := View(c)
	var view map[string]string
	if err := json.Unmarshal(data, &view); err != nil {
		t.Fatalf("not all values are strings: %v", err)
	}
	for field, want := range map[string]string{
		"epoch": "18446744073709551615", "units": "18446744073709551621", "shapley": "-123456789",
		"verdict": "partial/mismatch", "type": contributionType, "nullifier": c.Nullifier().String(),
	} {
		if view[field] != want {
			t.Errorf("%s is %q, want %q", field, view[field], want)
		}
	}
	if len(view) != 23 {
		t.Errorf("%d fields in the view, want the words and the type", len(view))
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
