package proofs

import (
	"bytes"
	"encoding/json"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.payloadType(), s.encode())
		f.Add(s.payloadType(), bytes.Repeat([]byte{0xff}, len(s.encode())))
	}
	f.Fuzz(func(t *testing.T, payloadType string, body []byte) {
		s, err := Parse(payloadType, body)
		if err != nil {
			return
		}
		again, err := Encode(s)
		if err != nil {
			t.Fatalf("parsed but does not encode: %v", err)
		}
		if !bytes.Equal(again, body) {
			t.Fatal("two bodies for one statement")
		}
		if !json.Valid(View(s)) {
			t.Fatalf("the view is not JSON: %s", View(s))
		}
	})
}

func FuzzParseEnvelope(f *testing.F) {
	for _, s := range samples(f) {
		env, err := Sign(s, newKey(f))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(env.Bytes())
	}
	f.Add([]byte(`{"payloadType":"text/plain","payload":"","signatures":[{"keyid":"","sig":""}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := ParseEnvelope(data)
		if err != nil {
			return
		}
		if !bytes.Equal(e.Bytes(), data) {
			t.Fatal("two files for one proof")
		}
	})
}

func FuzzSignatureForm(f *testing.F) {
	env, err := Sign(sample(), newKey(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(env.Signatures[0].Sig)
	f.Add([]byte{0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01})
	f.Fuzz(func(t *testing.T, der []byte) {
		r, s, ok := splitDER(der)
		if ok && !bytes.Equal(joinDER(r, s), der) {
			t.Fatal("two forms of one signature")
		}
	})
}
