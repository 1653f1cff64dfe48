package proofs

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/dsse"

	"github.com/verifyd/verifyd/proofs/internal/class"
)

// needTool stops the test where there is no such program: with a failure in
// CI, which installs it, and with a skip on a machine that has only Go.
func needTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("VERIFYD_CI") != "":
		t.Fatalf("%s is not installed", name)
	default:
		t.Skipf("%s is not installed", name)
	}
	return path
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenSSLVerifiesWhatWeSign(t *testing.T) {
	needTool(t, "openssl")
	key := newKey(t)
	env, err := Sign(sample(), key)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	pub := write(t, "pub.pem", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}))
	sig, msg := write(t, "sig.der", env.Signatures[0].Sig), pae(env.Type, env.Body)

	out, err := exec.Command("openssl", "dgst", "-sha256", "-verify", pub, "-signature", sig, write(t, "pae", msg)).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl refused our signature: %v\n%s", err, out)
	}
	msg[len(msg)-1] ^= 1
	if out, err := exec.Command("openssl", "dgst", "-sha256", "-verify", pub, "-signature", sig, write(t, "pae", msg)).CombinedOutput(); err == nil {
		t.Fatalf("openssl accepted another message\n%s", out)
	}
}

func TestWeVerifyWhatOpenSSLSigns(t *testing.T) {
	needTool(t, "openssl")
	key := newKey(t)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	priv := write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	message, err := PAE(sample())
	if err != nil {
		t.Fatal(err)
	}
	msg := write(t, "pae", message)
	// OpenSSL does not care for low-s: about every second signature has it.
	for range 64 {
		sig, err := exec.Command("openssl", "dgst", "-sha256", "-sign", priv, msg).Output()
		if err != nil {
			t.Fatal(err)
		}
		switch err := publicKey(t, key).verify("sig", message, sig); classOf(err) {
		case "":
			return
		case class.HighS:
		default:
			t.Fatal(err)
		}
	}
	t.Error("64 signatures and none with low s")
}

// ecdsaKey is the verifier that the DSSE library asks for.
type ecdsaKey struct{ pub *ecdsa.PublicKey }

func (k ecdsaKey) Public() crypto.PublicKey { return k.pub }

func (k ecdsaKey) KeyID() (string, error) {
	id, err := KeyID(k.pub)
	return id.String(), err
}

func (k ecdsaKey) Verify(_ context.Context, data, sig []byte) error {
	digest := sha256.Sum256(data)
	if !ecdsa.VerifyASN1(k.pub, digest[:], sig) {
		return errors.New("does not verify")
	}
	return nil
}

func TestADSSELibraryReadsOurEnvelope(t *testing.T) {
	key := newKey(t)
	signed, err := Sign(sample(), key)
	if err != nil {
		t.Fatal(err)
	}
	var env dsse.Envelope
	if err := json.Unmarshal(signed.Bytes(), &env); err != nil {
		t.Fatal(err)
	}
	verifier, err := dsse.NewEnvelopeVerifier(ecdsaKey{&key.PublicKey})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verifier.Verify(t.Context(), &env); err != nil {
		t.Error(err)
	}
}
