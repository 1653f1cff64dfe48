package proofs

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"strings"
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

func FuzzParseKey(f *testing.F) {
	set, _ := sampleSet(f)
	for _, k := range set.Keys {
		f.Add(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: k.spki()}))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		k, err := ParseKey(file)
		if err != nil {
			return
		}
		block, _ := pem.Decode(file)
		if !bytes.Equal(k.spki(), block.Bytes) {
			t.Fatal("two encodings of one key")
		}
	})
}

func FuzzAudience(f *testing.F) {
	f.Add("eip155:8453:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb")
	f.Add("urn:db:payroll")
	f.Fuzz(func(t *testing.T, name string) {
		hash, err := Audience(name)
		if err == nil && (hash == Hash{} || strings.ContainsAny(name, " %\r\n\x00")) {
			t.Fatalf("%q is a name", name)
		}
	})
}

func FuzzDecimals(f *testing.F) {
	for _, s := range []string{"0", "-1", "340282366920938463463374607431768211455", "-170141183460469231731687303715884105728", "0x1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseUint128(s); err == nil && v.String() != s {
			t.Fatalf("%q is read as %s", s, v)
		}
		if v, err := ParseInt128(s); err == nil && v.String() != s {
			t.Fatalf("%q is read as %s", s, v)
		}
		if h, err := parseHash(s); err == nil && h.String() != s {
			t.Fatalf("%q is read as %s", s, h)
		}
	})
}
