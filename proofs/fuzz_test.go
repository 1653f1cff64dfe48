package proofs

import (
	"bytes"
	"testing"
)

func FuzzParse(f *testing.F) {
	body, err := sample().Encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add(make([]byte, BodySize))
	f.Add(bytes.Repeat([]byte{0xff}, BodySize))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(data)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			t.Fatalf("parsed but does not encode: %v", err)
		}
		if !bytes.Equal(again, data) {
			t.Fatal("two bodies for one contribution")
		}
	})
}

func FuzzParseEnvelope(f *testing.F) {
	env, err := Sign(sample(), newKey(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(env.Bytes())
	f.Add([]byte(`{"payloadType":"` + PayloadType + `","payload":"","signatures":[{"keyid":"","sig":""}]}`))
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
	f.Add(env.sig)
	f.Add([]byte{0x30, 0x06, 0x02, 0x01, 0x01, 0x02, 0x01, 0x01})
	f.Fuzz(func(t *testing.T, der []byte) {
		if checkForm(der) == nil && len(der) > 72 {
			t.Fatalf("%d bytes pass for a signature", len(der))
		}
	})
}
