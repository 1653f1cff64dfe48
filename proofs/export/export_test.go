package export

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
)

func newPool(t testing.TB) *scenario.Pool {
	t.Helper()
	p, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// everyByte calls read with each byte of file changed, one at a time. None may give another contribution.
func everyByte(t *testing.T, file []byte, c proofs.Contribution, read func([]byte) (proofs.Contribution, error)) {
	t.Helper()
	if got, err := read(file); err != nil || got != c {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range file {
		for _, bit := range []byte{1, 0x20, 0x80} {
			changed := bytes.Clone(file)
			changed[i] ^= bit
			if got, err := read(changed); err == nil && got != c {
				t.Fatalf("byte %d: another contribution is accepted", i)
			}
		}
	}
}

func TestEveryFormGivesTheContributionBackAndNoOther(t *testing.T) {
	p := newPool(t)
	es256, err := scenario.ES256("verifier a")
	if err != nil {
		t.Fatal(err)
	}
	key := easKey(t)
	for i, c := range p.Contributions {
		statement, err := InToto(c)
		if err != nil {
			t.Fatal(err)
		}
		everyByte(t, statement.Body, c, func(b []byte) (proofs.Contribution, error) {
			return FromInToto(proofs.Document{Type: InTotoType, Body: b})
		})
		if i > 0 {
			continue // the signed forms are slow to check byte by byte
		}
		for _, signer := range []crypto.Signer{es256, scenario.Ed25519("verifier e")} {
			signed, err := COSE(c, signer)
			if err != nil {
				t.Fatal(err)
			}
			everyByte(t, signed, c, func(b []byte) (proofs.Contribution, error) { return FromCOSE(b, signer.Public()) })
		}
		attested, err := EAS(c, easDomain, key)
		if err != nil {
			t.Fatal(err)
		}
		want := address(key.PubKey())
		everyByte(t, attested, c, func(b []byte) (proofs.Contribution, error) {
			got, signer, err := FromEAS(b)
			if err == nil && !bytes.Equal(signer[:], want) {
				return proofs.Contribution{}, nil // counts as another contribution
			}
			return got, err
		})
	}
}

func TestCOSERefusesAKeyWithoutARegisteredAlgorithm(t *testing.T) {
	p := newPool(t)
	if _, err := COSE(p.Contributions[0], scenario.ES256K("k")); err == nil || !strings.Contains(err.Error(), "COSE needs") {
		t.Error(err)
	}
}

func TestTheSchemaOfEASIsTheBodyWordForWord(t *testing.T) {
	c := newPool(t).Contributions[0]
	var names []string
	decoder := json.NewDecoder(bytes.NewReader(proofs.View(c)))
	for depth := 0; ; {
		token, err := decoder.Token()
		if err != nil {
			break
		}
		if name, ok := token.(string); ok && depth%2 == 0 {
			names = append(names, name)
		}
		if _, delimiter := token.(json.Delim); !delimiter {
			depth++
		}
	}
	var schema []string
	for _, field := range strings.Split(EASSchema, ",") {
		schema = append(schema, field[strings.IndexByte(field, ' ')+1:])
	}
	if got, want := strings.Join(schema, " "), strings.Join(names[1:], " "); got != want {
		t.Errorf("schema %s\nbody   %s", got, want)
	}
}

// The domain of the fixed attestation: EAS on Sepolia.
var easDomain = EASDomain{Version: "0.26", ChainID: 11155111, Contract: [20]byte{0xc2, 0x67, 0x9f, 0xbd, 0x37, 0xd5, 0x43, 0x88, 0xce, 0x49, 0x3f, 0x1d, 0xb7, 0x53, 0x20, 0xd2, 0x36, 0xe1, 0x81, 0x5e}}

func easKey(t testing.TB) *secp256k1.PrivateKey {
	t.Helper()
	scalar := sha256.Sum256([]byte("verifyd attester"))
	return secp256k1.PrivKeyFromBytes(scalar[:])
}

// testdata/eas.json was accepted by eas-sdk 2.10.0; testdata/check-eas.mjs asks it again.
func TestTheAttestationIsTheOneThatEASAccepted(t *testing.T) {
	got, err := EAS(newPool(t).Contributions[0], easDomain, easKey(t))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/eas.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, bytes.TrimSpace(want)) {
		t.Errorf("the attestation changed:\n%s", got)
	}
}

func TestAClaimListHoldsWhatEveryAccountNeeds(t *testing.T) {
	p := newPool(t)
	var file bytes.Buffer
	if err := Claims(&file, p.Set.PoolID, p.Epoch.Leaves); err != nil {
		t.Fatal(err)
	}
	root := p.Epoch.Root(1, 0, proofs.Hash{})
	leaves, err := ReadClaims(bytes.NewReader(file.Bytes()), root)
	if err != nil || len(leaves) != len(p.Epoch.Leaves) {
		t.Fatalf("%d leaves: %v", len(leaves), err)
	}
	for i := range leaves {
		if leaves[i] != p.Epoch.Leaves[i] {
			t.Errorf("leaf %d: %+v", i, leaves[i])
		}
	}
	lines := strings.SplitAfter(file.String(), "\n")
	for name, c := range map[string]struct{ text, words string }{
		"another column": {strings.Replace(file.String(), "detail", "details", 1), "line 1: columns"},
		"more units":     {lines[0] + strings.Replace(lines[1], p.Epoch.Leaves[0].CumulativeUnits.String(), "9", 1), "line 2"},
		"another pool":   {lines[0] + "0x00" + lines[1][4:], "line 2: pool"},
		"upper case":     {lines[0] + strings.ToUpper(lines[1]), "line 2"},
		"a short line":   {lines[0] + "a,b\n", "wrong number of fields"},
		"a long path":    {lines[0] + strings.TrimSpace(lines[1]) + strings.Repeat(" "+hex.EncodeToString(make([]byte, 32)), 64) + "\n", "the limit is 40"},
		"nothing":        {"", "EOF"},
	} {
		if _, err := ReadClaims(strings.NewReader(c.text), root); err == nil || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzForms(f *testing.F) {
	p := newPool(f)
	c := p.Contributions[0]
	statement, err1 := InToto(c)
	es256, err2 := scenario.ES256("verifier a")
	attested, err3 := EAS(c, easDomain, easKey(f))
	if err1 != nil || err2 != nil || err3 != nil {
		f.Fatal(err1, err2, err3)
	}
	signed, err := COSE(c, es256)
	if err != nil {
		f.Fatal(err)
	}
	var list bytes.Buffer
	if err := Claims(&list, p.Set.PoolID, p.Epoch.Leaves); err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{statement.Body, signed, attested, list.Bytes()} {
		f.Add(seed)
	}
	root := p.Epoch.Root(1, 0, proofs.Hash{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if c, err := FromInToto(proofs.Document{Type: InTotoType, Body: data}); err == nil {
			if again, err := InToto(c); err != nil || !bytes.Equal(again.Body, data) {
				t.Error("two statements about one contribution")
			}
		}
		_, _ = FromCOSE(data, es256.Public())
		_, _, _ = FromEAS(data)
		_, _ = ReadClaims(bytes.NewReader(data), root)
	})
}
