package keys

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
)

// id is what tells keys apart.
func id(t testing.TB, pub crypto.PublicKey) proofs.Hash {
	t.Helper()
	h, err := proofs.KeyID(pub)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// signs has a key sign, in the way of its algorithm, and checks it.
func signs(t testing.TB, s *Signer) {
	t.Helper()
	message := []byte("what is signed")
	digest := sha256.Sum256(message)
	input, opts := digest[:], crypto.SHA256
	if a, _ := AlgorithmOf(s.Public()); a == Ed25519 {
		input, opts = message, crypto.Hash(0)
	}
	sig, err := s.Sign(rand.Reader, input, opts)
	if err != nil {
		t.Fatal(err)
	}
	if !verifies(s.Public(), input, sig) {
		t.Error("the signature does not verify")
	}
	input[0]++
	if verifies(s.Public(), input, sig) {
		t.Error("the signature verifies for something else")
	}
}

// locked is a keyring that knows a passphrase, and does not make it costly.
func locked(phrase string) Keyring {
	return Keyring{Passphrase: func(string, bool) ([]byte, error) { return []byte(phrase), nil }, work: 8}
}

func TestANewKeyIsPrivateAndReadsBackFromWhereverItIs(t *testing.T) {
	for _, role := range Roles() {
		for _, a := range Algorithms() {
			if role.Allows(a) != nil {
				continue
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "key")
			for _, ref := range []string{path, "file:" + path + "2", "age:" + path + "3"} {
				ring := locked("open sesame")
				made, err := ring.New(ref, role, a)
				if err != nil {
					t.Fatal(err)
				}
				file := strings.TrimSuffix(PublicPath(ref), PublicSuffix)
				if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
					t.Errorf("%s: mode %v, %v; want 0600", ref, info.Mode(), err)
				}
				opened, err := ring.Open(t.Context(), ref, role)
				if err != nil {
					t.Fatal(err)
				}
				pub, err := ReadPublic(PublicPath(ref), role)
				if err != nil || pub.Role != role || opened.Role() != role {
					t.Fatalf("%s: roles %v and %q, want %q, %v", ref, pub, opened.Role(), role, err)
				}
				if want := id(t, made.Public()); id(t, opened.Public()) != want || id(t, pub.Key) != want {
					t.Errorf("%s: another key reads back", ref)
				}
				signs(t, opened)
				if err := opened.Close(); err != nil {
					t.Error(err)
				}
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			t.Setenv("VERIFYD_TEST_KEY", string(text))
			opened, err := (Keyring{}).Open(t.Context(), "env:VERIFYD_TEST_KEY", role)
			if err != nil || opened.Role() != role {
				t.Fatalf("from the environment: %v", err)
			}
			signs(t, opened)
		}
	}
}

func TestAKeyIsRefusedInAnotherRole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "worker.pem")
	if _, err := (Keyring{}).New(path, Worker, P256); err != nil {
		t.Fatal(err)
	}
	if _, err := (Keyring{}).Open(t.Context(), path, Verifier); !errors.Is(err, ErrRole) || !strings.Contains(err.Error(), "key of the worker, want one of the verifier") {
		t.Errorf("private: %v", err)
	}
	if _, err := ReadPublic(path+PublicSuffix, Verifier); !errors.Is(err, ErrRole) {
		t.Errorf("public: %v", err)
	}
	if _, err := (Keyring{}).Open(t.Context(), "verifier="+path, Verifier); !errors.Is(err, ErrRole) {
		t.Errorf("private, given another role: %v", err)
	}
	if _, err := ReadPublic("verifier="+path+PublicSuffix, Verifier); !errors.Is(err, ErrRole) {
		t.Errorf("public, given another role: %v", err)
	}
}

func TestAnAlgorithmThatARoleCannotUseIsRefused(t *testing.T) {
	for role, a := range map[Role]Algorithm{Worker: Ed25519, Operator: Secp256k1, Log: P256, Transport: Secp256k1, Verifier: "rsa"} {
		path := filepath.Join(t.TempDir(), "k")
		if _, err := (Keyring{}).New(path, role, a); err == nil {
			t.Errorf("%s of the %s was made", a, role)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s of the %s left a file", a, role)
		}
	}
}

func TestNewNeverReplacesAFile(t *testing.T) {
	for _, taken := range []string{"k.pem", "k.pem.pub"} {
		for _, scheme := range []string{"", "age:"} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, taken), []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := locked("x").New(scheme+filepath.Join(dir, "k.pem"), Worker, P256); !errors.Is(err, fs.ErrExist) {
				t.Errorf("%s exists: got %v", taken, err)
			}
			files, _ := os.ReadDir(dir)
			data, _ := os.ReadFile(filepath.Join(dir, taken))
			if len(files) != 1 || string(data) != "precious" {
				t.Errorf("%s exists: files %v, content %q", taken, files, data)
			}
		}
	}
}

func TestAPassphraseIsNeededAndMustBeTheRightOne(t *testing.T) {
	ref := "age:" + filepath.Join(t.TempDir(), "k.age")
	if _, err := (Keyring{}).New(ref, Verifier, P256); !errors.Is(err, ErrPassphrase) {
		t.Errorf("made without anybody to ask: %v", err)
	}
	if _, err := locked("").New(ref, Verifier, P256); !errors.Is(err, ErrPassphrase) {
		t.Errorf("made with an empty one: %v", err)
	}
	if _, err := locked("right").New(ref, Verifier, P256); err != nil {
		t.Fatal(err)
	}
	for name, ring := range map[string]Keyring{"none": {}, "empty": locked(""), "wrong": locked("wrong")} {
		if _, err := ring.Open(t.Context(), ref, ""); !errors.Is(err, ErrPassphrase) || !strings.Contains(err.Error(), "k.age") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, path := split(ref)
	if _, err := (Keyring{}).Open(t.Context(), path, ""); err == nil || !strings.Contains(err.Error(), "refer to it as age:PATH") {
		t.Errorf("as a plain file: %v", err)
	}
}

// TestAFileCannotDemandMoreWorkThanIsAllowed: opening it would take minutes and
// many gigabytes otherwise.
func TestAFileCannotDemandMoreWorkThanIsAllowed(t *testing.T) {
	file, err := locked("x").encrypt("k", []byte("plain"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(file)
	costly := bytes.Replace(block.Bytes, []byte(" 8\n"), []byte(" 30\n"), 1)
	if bytes.Equal(costly, block.Bytes) {
		t.Fatal("nothing was changed")
	}
	if _, err := locked("x").decrypt("k", costly); err == nil {
		t.Error("it was opened")
	}
}

func TestPassphrasesComeFromAFileThatOthersCannotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "phrase")
	if err := os.WriteFile(path, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(PassphraseFile, path)
	ask := AskPassphrase(os.Stderr)
	if phrase, err := ask("k", true); err != nil || string(phrase) != "open sesame" {
		t.Errorf("%q, %v", phrase, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	var mode *ModeError
	if _, err := ask("k", false); !errors.As(err, &mode) {
		t.Errorf("readable by others: %v", err)
	}
}

func TestBadKeyFilesAreRefusedWithTheirName(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	if _, err := (Keyring{}).New(good, Worker, P256); err != nil {
		t.Fatal(err)
	}
	private, _ := os.ReadFile(good)
	public, _ := os.ReadFile(good + PublicSuffix)
	line, _, _ := bytes.Cut(public, []byte("-----"))
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKCS8PrivateKey(p384)
	der384, _ := x509.MarshalPKIXPublicKey(p384.Public())
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}

	for name, c := range map[string]struct {
		data   string
		mode   os.FileMode
		public bool
		want   string
	}{
		"others may read":    {string(private), 0o640, false, "mode 0640"},
		"everyone may read":  {string(private), 0o604, false, "mode 0604"},
		"not PEM":            {"hello", 0o600, false, "not a PEM"},
		"truncated":          {string(private[:200]), 0o600, false, "not a PEM"},
		"public for private": {string(public), 0o600, false, "this is a public key, want the private one"},
		"private for public": {string(private), 0o600, true, "private key"},
		"oversized":          {strings.Repeat(" ", maxFile+1), 0o600, true, "limit of 16384"},
		"two keys":           {string(public) + string(public), 0o600, true, "after the key"},
		"junk in DER":        {block("PUBLIC KEY", []byte("x")), 0o600, true, "not an SPKI"},
		"another curve":      {block("PRIVATE KEY", der), 0o600, false, "P-256"},
		"another public one": {block("PUBLIC KEY", der384), 0o600, true, "P-256"},
		"unknown role":       {strings.Replace(string(public), "1 worker ", "1 king ", 1), 0o600, true, `"king" is not one of`},
		"two roles":          {string(line) + string(public), 0o600, true, "two roles"},
	} {
		path := filepath.Join(t.TempDir(), "bad.pem")
		if err := os.WriteFile(path, []byte(c.data), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		if c.public {
			_, err = ReadPublic(path, "")
		} else {
			_, err = (Keyring{}).Open(t.Context(), path, "")
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.pem") {
			t.Errorf("%s: got %v, want the file's name and %q", name, err, c.want)
		}
	}
}

func TestAReferenceThatNamesNothingIsRefused(t *testing.T) {
	for ref, want := range map[string]string{
		"env:VERIFYD_NO_SUCH_KEY":     "not set",
		"plugin:file":                 "want plugin:NAME:KEYID",
		"plugin:../x y:k":             "no such file",
		"plugin:No_Name:k":            "a-z, 0-9 and hyphen",
		"plugin:no-such-plugin:k":     "not found",
		"pkcs11:object=k":             "want token or serial",
		"age:/no/such/file":           "no such file",
		"file:/no/such/file":          "no such file",
		"a/path:with-a-colon/no-file": "no such file",
	} {
		if _, err := (Keyring{}).Open(t.Context(), ref, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v does not say %q", ref, err, want)
		}
	}
	for _, ref := range []string{"env:K", "plugin:file:k", "pkcs11:token=t;object=k"} {
		if _, err := (Keyring{}).New(ref, Verifier, P256); err == nil {
			t.Errorf("%s: was made", ref)
		}
	}
}

// TestASecp256k1FileIsRefusedIfItsHalvesDiffer: Go's own parser sees to the
// other algorithms.
func TestASecp256k1FileIsRefusedIfItsHalvesDiffer(t *testing.T) {
	key, err := generate(Secp256k1)
	if err != nil {
		t.Fatal(err)
	}
	der, err := key.marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]int{"public": len(der) - 1, "private": len(der) - 80} {
		spoilt := bytes.Clone(der)
		spoilt[at] ^= 1
		if _, err := parsePrivate(spoilt); err == nil {
			t.Errorf("%s half: was read", name)
		}
	}
}

// need stops the test where there is no such program: with a failure in CI, and with a skip elsewhere.
func need(t *testing.T, tool string) {
	t.Helper()
	_, err := exec.LookPath(tool)
	switch {
	case err == nil:
	case os.Getenv("VERIFYD_CI") != "":
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

// openssl runs OpenSSL, an independent reader and maker of key files.
func openssl(t *testing.T, args ...string) {
	t.Helper()
	need(t, "openssl")
	if out, err := exec.Command("openssl", args...).CombinedOutput(); err != nil {
		t.Fatalf("openssl %v: %v: %s", args, err, out)
	}
}

func TestOpenSSLReadsOurKeysAndWeReadItsOwn(t *testing.T) {
	for _, a := range Algorithms() {
		dir := t.TempDir()
		ours, theirs, pub := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs"), filepath.Join(dir, "pub")
		made, err := (Keyring{}).New(ours, Verifier, a)
		if err != nil {
			t.Fatal(err)
		}
		openssl(t, "pkey", "-in", ours, "-pubout", "-out", pub)
		got, err := ReadPublic("verifier="+pub, Verifier)
		if err != nil || id(t, got.Key) != id(t, made.Public()) {
			t.Errorf("%s: OpenSSL reads another key from ours, %v", a, err)
		}
		openssl(t, "pkey", "-pubin", "-in", ours+PublicSuffix, "-noout")

		args := []string{"genpkey", "-algorithm", "ed25519", "-out", theirs}
		switch a {
		case P256:
			args = []string{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", theirs}
		case Secp256k1:
			args = []string{"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1", "-out", theirs}
		}
		openssl(t, args...)
		if err := os.Chmod(theirs, 0o600); err != nil {
			t.Fatal(err)
		}
		opened, err := (Keyring{}).Open(t.Context(), "verifier="+theirs, Verifier)
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		signs(t, opened)
		pub2 := pub + "2"
		openssl(t, "pkey", "-in", theirs, "-pubout", "-out", pub2)
		if got, err := ReadPublic(pub2, ""); err != nil || id(t, got.Key) != id(t, opened.Public()) {
			t.Errorf("%s: we read another key from OpenSSL's, %v", a, err)
		}
	}
}

func FuzzKeyFile(f *testing.F) {
	for _, a := range Algorithms() {
		path := filepath.Join(f.TempDir(), "k")
		if _, err := (Keyring{}).New(path, Verifier, a); err != nil {
			f.Fatal(err)
		}
		for _, file := range []string{path, path + PublicSuffix} {
			data, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if key, _, err := decodePrivate(data); err == nil {
			der, err := key.marshal()
			if err != nil {
				t.Fatal(err)
			}
			again, err := parsePrivate(der)
			if err != nil || id(t, again.Public()) != id(t, key.Public()) {
				t.Fatalf("another key comes back: %v", err)
			}
		}
		if pub, c, err := decodePublic(data); err == nil {
			file, err := encodePublic(pub, c)
			if err != nil {
				t.Fatal(err)
			}
			again, back, err := decodePublic(file)
			if err != nil || back.role != c.role || !same(again, pub) {
				t.Fatalf("another key comes back: %v", err)
			}
		}
	})
}
