package document

import (
	"bytes"
	"crypto/elliptic"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"
)

// respelt are other spellings of a base64 text for the same bytes, by what was done to it. The last of three characters
// of a group with padding has spare bits.
func respelt(text string) map[string]string {
	all := map[string]string{
		"line feed at the front": "\n" + text,
		"line feed at the end":   text + "\n",
		"CR and LF inside":       text[:4] + "\r\n" + text[4:],
		"carriage return inside": text[:7] + "\r" + text[7:],
		"lines of 64":            text[:64] + "\n" + text[64:],
		"space inside":           text[:4] + " " + text[4:],
		"tab at the end":         text + "\t",
		"more padding":           text + "====",
		"one more equals sign":   text + "=",
		"URL alphabet":           strings.NewReplacer("+", "-", "/", "_").Replace(text),
		"no padding":             strings.TrimRight(text, "="),
		"spare bits":             text,
	}
	if plain := strings.TrimRight(text, "="); len(plain) < len(text) {
		const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
		last := strings.IndexByte(digits, plain[len(plain)-1])
		all["spare bits"] = plain[:len(plain)-1] + string(digits[last|1]) + text[len(plain):]
	}
	for name, other := range all {
		if other == text {
			delete(all, name) // there is nothing of the kind in this text
		}
	}
	return all
}

func TestAnEnvelopeHasOneSpelling(t *testing.T) {
	private, key := newKey(t, 1)
	kinds := map[string]int{}
	for pad := range 3 { // payloads with each padding
		doc := note{Version: strings.Repeat("?>~", 7) + strings.Repeat("v", pad), Author: key}
		file, err := Sign(noteKind, doc, private)
		if err != nil {
			t.Fatal(err)
		}
		env, err := Decode[dsse.Envelope]("", file)
		if err != nil {
			t.Fatal(err)
		}
		refused := func(name string, other []byte) {
			t.Helper()
			kinds[name]++
			if bytes.Equal(other, file) {
				t.Errorf("%s: changed nothing", name)
			}
			if _, _, err := Read[note]("note.json", other, noteKind, key); err == nil {
				t.Errorf("%s: was read", name)
			}
			if _, err := Peek[note]("note.json", other, noteKind); err == nil {
				t.Errorf("%s: was shown", name)
			}
		}
		for name, text := range respelt(env.Payload) {
			refused("payload: "+name, rewrap(t, file, func(e *dsse.Envelope) { e.Payload = text }))
		}
		for name, text := range respelt(env.Signatures[0].Sig) {
			refused("sig: "+name, rewrap(t, file, func(e *dsse.Envelope) { e.Signatures[0].Sig = text }))
		}
		for name, text := range map[string]string{
			"upper case": strings.ToUpper(env.Signatures[0].KeyID), "0x": "0x" + env.Signatures[0].KeyID, "none": "",
			"a line feed": env.Signatures[0].KeyID + "\n", "base64": env.Signatures[0].Sig,
		} {
			refused("keyid: "+name, rewrap(t, file, func(e *dsse.Envelope) { e.Signatures[0].KeyID = text }))
		}
		whole := string(file)
		for name, text := range map[string]string{
			"escape in a value":  strings.Replace(whole, `"payload":"e`, `"payload":"\u0065`, 1),
			"escape in a name":   strings.Replace(whole, `"payload"`, `"p\u0061yload"`, 1),
			"escaped slash":      strings.Replace(whole, `application/`, `application\/`, 1),
			"keys swapped":       fmt.Sprintf(`{"payload":%q,"payloadType":%q,"signatures":[{"keyid":%q,"sig":%q}]}`, env.Payload, env.PayloadType, env.Signatures[0].KeyID, env.Signatures[0].Sig),
			"keys swapped below": fmt.Sprintf(`{"payloadType":%q,"payload":%q,"signatures":[{"sig":%q,"keyid":%q}]}`, env.PayloadType, env.Payload, env.Signatures[0].Sig, env.Signatures[0].KeyID),
			"key twice":          strings.Replace(whole, `"payload":`, `"payload":"","payload":`, 1),
			"key in capitals":    strings.Replace(whole, `"sig":`, `"SIG":`, 1),
			"white space":        strings.Replace(whole, `,"payload"`, `, "payload"`, 1),
			"final line feed":    whole + "\n",
			"byte order mark":    "\xef\xbb\xbf" + whole,
			"second document":    whole + whole,
		} {
			refused(name, []byte(text))
		}
		var v struct{ R, S *big.Int }
		der, _ := base64.StdEncoding.DecodeString(env.Signatures[0].Sig)
		if _, err := asn1.Unmarshal(der, &v); err != nil {
			t.Fatal(err)
		}
		for name, other := range spoiltSignatures(v.R, v.S) {
			refused("DER: "+name, rewrap(t, file, func(e *dsse.Envelope) { e.Signatures[0].Sig = base64.StdEncoding.EncodeToString(other) }))
		}
	}
	if len(kinds) < 50 {
		t.Errorf("only %d spellings were tried", len(kinds))
	}
}

// spoiltSignatures are r and s in other forms than the one that is taken, and numbers that are none of a signature's.
func spoiltSignatures(r, s *big.Int) map[string][]byte {
	n := elliptic.P256().Params().N
	integer := func(v *big.Int) []byte {
		b, _ := asn1.Marshal(v) // of an integer, never fails
		return b
	}
	sequence := func(parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append([]byte{0x30, byte(len(body))}, body...)
	}
	padded := append([]byte{2, byte(len(r.Bytes()) + 2), 0, 0}, r.Bytes()...)
	body := append(integer(r), integer(s)...)
	return map[string][]byte{
		"s in the upper half":   sequence(integer(r), integer(new(big.Int).Sub(n, s))),
		"r and n":               sequence(integer(new(big.Int).Add(r, n)), integer(s)),
		"s and n":               sequence(integer(r), integer(new(big.Int).Add(s, n))),
		"r is 0":                sequence(integer(new(big.Int)), integer(s)),
		"s is 0":                sequence(integer(r), integer(new(big.Int))),
		"r is n":                sequence(integer(n), integer(s)),
		"r negative":            sequence(integer(new(big.Int).Neg(r)), integer(s)),
		"s negative":            sequence(integer(r), integer(new(big.Int).Neg(s))),
		"zeros in front":        sequence(padded, integer(s)),
		"length in two bytes":   append([]byte{0x30, 0x81, byte(len(body))}, body...),
		"length in three bytes": append([]byte{0x30, 0x82, 0, byte(len(body))}, body...),
		"indefinite length":     append(append([]byte{0x30, 0x80}, body...), 0, 0),
		"a byte behind":         append(sequence(body), 0),
		"a byte behind, inside": sequence(body, []byte{0}),
		"a third integer":       sequence(body, integer(big.NewInt(1))),
		"one integer":           sequence(integer(r)),
		"a set":                 append([]byte{0x31, byte(len(body))}, body...),
		"raw":                   append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...),
		"nothing":               nil,
	}
}

// TestWhatIsReadIsWrittenAgainToTheByte changes envelopes at random: bytes put in, left out, replaced and doubled, and
// what JSON and base64 pass over put in often.
func TestWhatIsReadIsWrittenAgainToTheByte(t *testing.T) {
	file, _, key := signed(t)
	random := rand.New(rand.NewPCG(12, 16))
	passed := []string{"\n", `\n`, `\r\n`, " ", "=", `\u000a`, `\u000d`, "\t", "A", "/", `""`, ","}
	for range 20000 {
		data := bytes.Clone(file)
		for range 1 + random.IntN(2) {
			at := random.IntN(len(data))
			switch random.IntN(4) {
			case 0:
				data[at] ^= 1 << random.IntN(8)
			case 1:
				data = append(data[:at], data[at+1:]...)
			default:
				data = append(data[:at:at], append([]byte(passed[random.IntN(len(passed))]), data[at:]...)...)
			}
		}
		same(t, data, key)
	}
}

// same fails if an envelope is shown or read that has another spelling.
func same(t *testing.T, data []byte, key Key) {
	t.Helper()
	_, _, readErr := Read[note]("f", data, noteKind, key)
	doc, err := Peek[note]("f", data, noteKind)
	if err != nil {
		if readErr == nil {
			t.Fatalf("%q is read and not shown", data)
		}
		return
	}
	var env dsse.Envelope
	if err := json.Unmarshal(data, &env); err != nil {
		t.Fatal(err)
	}
	payload, err := Encode(doc)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := base64.StdEncoding.DecodeString(env.Signatures[0].Sig)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Encode(dsse.Envelope{
		PayloadType: noteKind.PayloadType(),
		Payload:     base64.StdEncoding.EncodeToString(payload),
		Signatures:  []dsse.Signature{{KeyID: env.Signatures[0].KeyID, Sig: base64.StdEncoding.EncodeToString(sig)}},
	})
	if err != nil || !bytes.Equal(again, data) {
		t.Fatalf("%q is taken for %q, %v", data, again, err)
	}
}
