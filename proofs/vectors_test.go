package proofs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var updateVectors = flag.Bool("update", false, "write testdata/vectors anew")

// A vector is one text file: a header of "name: value" lines (comment, expect,
// and for signed ones key and sig), a blank line, and the body, one word in
// hex a line. Expect is "success" or a part of the error.
type vector struct {
	comment, expect string
	key, sig        []byte // SPKI DER, DER; empty where only the body is tested
	body            []byte
}

// TestVectors reads each file in testdata/vectors and demands what it expects.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/vectors/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors (%v)", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			v := readVector(t, file)
			_, err := Parse(contributionType, v.body)
			if err == nil && v.key != nil {
				key, kerr := parseSPKI(v.key)
				if kerr != nil {
					t.Fatal(kerr)
				}
				err = key.verify("sig", pae(contributionType, v.body), v.sig)
			}
			switch {
			case v.expect == "success" && err != nil:
				t.Errorf("refused: %v", err)
			case v.expect != "success" && err == nil:
				t.Errorf("accepted, want: %s", v.expect)
			case err != nil && !strings.Contains(err.Error(), v.expect):
				t.Errorf("refused with %q, want: %s", err, v.expect)
			}
		})
	}
}

// TestVectorsAreTheOnesThatTheirGeneratorWrites keeps the files and the code
// that explains them together. Run with -update to write them.
func TestVectorsAreTheOnesThatTheirGeneratorWrites(t *testing.T) {
	want := generateVectors(t)
	for name, v := range want {
		path := filepath.Join("testdata/vectors", name+".txt")
		if *updateVectors {
			if err := os.WriteFile(path, v.text(), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if data, err := os.ReadFile(path); err != nil || !bytes.Equal(data, v.text()) {
			t.Errorf("%s differs from what is generated (%v)", path, err)
		}
	}
	files, _ := filepath.Glob("testdata/vectors/*.txt")
	if len(files) != len(want) {
		t.Errorf("%d files, %d generated", len(files), len(want))
	}
}

// generateVectors builds each vector from a good body by the one change that
// its name says.
func generateVectors(t *testing.T) map[string]vector {
	t.Helper()
	good, err := Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	// change returns the good body with one byte of one word set.
	change := func(word, at int, value byte) []byte {
		b := bytes.Clone(good)
		b[word*wordSize+at] = value
		return b
	}
	positive := sample()
	positive.Shapley, positive.Verdict, positive.StepsFailed = Int(1), Verdict{Kind: Accepted}, 0
	accepted, err := Encode(positive)
	if err != nil {
		t.Fatal(err)
	}
	zeroAudience := append(make([]byte, wordSize), good[wordSize:]...)

	key, low := fixedSignature(t, good)
	highS := upper(low, elliptic.P256().Params().N)
	flipped := change(19, 31, good[19*wordSize+31]^1)

	return map[string]vector{
		"good":                    {comment: "every field set, shapley negative", expect: "success", body: good},
		"good_accepted":           {comment: "shapley positive, nothing failed", expect: "success", body: accepted},
		"audience_zero":           {comment: "no ledger named", expect: "field audience", body: zeroAudience},
		"epoch_dirty":             {comment: "a bit above 64", expect: "field epoch: dirty padding", body: change(2, 23, 1)},
		"units_dirty":             {comment: "a bit above 128", expect: "field units: dirty padding", body: change(6, 15, 1)},
		"units_over_cumulative":   {comment: "more earned than in total", expect: "field cumulativeUnits", body: change(7, 16, 0)},
		"shapley_half_extended":   {comment: "negative with one byte of padding zero", expect: "field shapley: dirty padding", body: change(8, 7, 0)},
		"shapley_not_extended":    {comment: "sign bit without its extension", expect: "field shapley: dirty padding", body: change(8, 16, 0x7f)},
		"verdict_dirty":           {comment: "a bit above 32", expect: "field verdict: dirty padding", body: change(10, 27, 1)},
		"verdict_kind_zero":       {comment: "no decision", expect: "field verdict", body: change(10, 29, 0)},
		"verdict_kind_unknown":    {comment: "kind 5", expect: "field verdict", body: change(10, 29, 5)},
		"rejected_with_units":     {comment: "a rejection that earns", expect: "field units", body: change(10, 29, byte(Rejected))},
		"accepted_with_failures":  {comment: "accepted though two steps failed", expect: "field stepsFailed", body: change(10, 29, byte(Accepted))},
		"replayed_over_claimed":   {comment: "more replayed than claimed", expect: "field stepsReplayed", body: change(12, 30, 0xff)},
		"failed_over_replayed":    {comment: "more failed than replayed", expect: "field stepsFailed", body: change(13, 31, 41)},
		"nullifier_chosen":        {comment: "not derived from pool, worker, epoch and task", expect: "field nullifier", body: change(18, 0, good[18*wordSize]^1)},
		"issued_at_dirty":         {comment: "a bit above 64", expect: "field issuedAt: dirty padding", body: change(19, 0, 0x80)},
		"short":                   {comment: "one word missing", expect: "608 bytes, want 640", body: good[:contributionWords*wordSize-wordSize]},
		"long":                    {comment: "one word more", expect: "672 bytes, want 640", body: append(bytes.Clone(good), make([]byte, wordSize)...)},
		"empty":                   {comment: "nothing", expect: "0 bytes, want 640"},
		"signed":                  {comment: "low-s, DER", expect: "success", key: key, sig: low, body: good},
		"signed_high_s":           {comment: "the same signature with n-s", expect: "high-s", key: key, sig: highS, body: good},
		"signed_trailing_byte":    {comment: "a byte after the DER", expect: "not the DER", key: key, sig: append(bytes.Clone(low), 0), body: good},
		"signed_other_body":       {comment: "one bit of issuedAt changed after signing", expect: "does not verify", key: key, sig: low, body: flipped},
		"signed_zero_r":           {comment: "r = 0", expect: "r is outside", key: key, sig: []byte{0x30, 6, 2, 1, 0, 2, 1, 1}, body: good},
		"signed_nothing":          {comment: "an empty signature", expect: "not the DER", key: key, body: good},
		"signed_padded_integer":   {comment: "r with a needless leading zero", expect: "not the DER", key: key, sig: []byte{0x30, 7, 2, 2, 0, 1, 2, 1, 1}, body: good},
		"signed_negative_integer": {comment: "s = -1", expect: "not the DER", key: key, sig: []byte{0x30, 6, 2, 1, 1, 2, 1, 0xff}, body: good},
	}
}

func (v vector) text() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "comment: %s\nexpect: %s\n", v.comment, v.expect)
	if v.key != nil {
		fmt.Fprintf(&b, "key: %x\nsig: %x\n", v.key, v.sig)
	}
	b.WriteByte('\n')
	for i := 0; i < len(v.body); i += wordSize {
		fmt.Fprintf(&b, "%x\n", v.body[i:i+wordSize])
	}
	return b.Bytes()
}

func readVector(t *testing.T, path string) vector {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	header, rest, ok := strings.Cut(string(data), "\n\n")
	if !ok {
		t.Fatal("no blank line after the header")
	}
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(strings.ReplaceAll(s, "\n", ""))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	v := vector{body: unhex(rest)}
	for line := range strings.Lines(header) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "comment":
			v.comment = value
		case "expect":
			v.expect = value
		case "key":
			v.key = unhex(value)
		case "sig":
			v.sig = unhex(value)
		default:
			t.Fatalf("unknown header %q", name)
		}
	}
	return v
}

// fixedSignature signs with RFC 6979's example key for P-256, deterministically,
// and returns the key as SPKI DER and the signature in low-s form.
func fixedSignature(t *testing.T, body []byte) (spki, der []byte) {
	t.Helper()
	scalar, _ := hex.DecodeString("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(pae(contributionType, body))
	// Without a source of randomness the signature is RFC 6979's.
	if der, err = key.Sign(nil, digest[:], crypto.SHA256); err != nil {
		t.Fatal(err)
	}
	if spki, err = x509.MarshalPKIXPublicKey(&key.PublicKey); err != nil {
		t.Fatal(err)
	}
	r, s, _ := splitDER(der)
	return spki, joinDER(r, lower(s, elliptic.P256().Params().N))
}
