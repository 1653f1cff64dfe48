package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestANewKeyIsPrivateAndReadsBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "worker.pem")
	key, err := New(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	private, err := ReadPrivate(path)
	if err != nil || !private.Equal(key) {
		t.Errorf("the private key does not read back: %v", err)
	}
	public, err := ReadPublic(path + PublicSuffix)
	if err != nil || !public.Equal(&key.PublicKey) {
		t.Errorf("the public key does not read back: %v", err)
	}
}

func TestNewNeverReplacesAFile(t *testing.T) {
	for _, taken := range []string{"k.pem", "k.pem.pub"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, taken), []byte("precious"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := New(filepath.Join(dir, "k.pem")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s exists: got %v", taken, err)
		}
		files, _ := os.ReadDir(dir)
		data, _ := os.ReadFile(filepath.Join(dir, taken))
		if len(files) != 1 || string(data) != "precious" {
			t.Errorf("%s exists: files %v, content %q", taken, files, data)
		}
	}
}

func TestBadKeyFilesAreRefusedWithTheirName(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	private, _ := os.ReadFile(good)
	public, _ := os.ReadFile(good + PublicSuffix)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKCS8PrivateKey(p384)

	for name, c := range map[string]struct {
		data   string
		mode   os.FileMode
		public bool
		want   string
	}{
		"others may read":    {string(private), 0o640, false, "mode 0640"},
		"not PEM":            {"hello", 0o600, false, "not a PEM"},
		"truncated":          {string(private[:100]), 0o600, false, "not a PEM"},
		"public for private": {string(public), 0o600, false, `"PUBLIC KEY"`},
		"private for public": {string(private), 0o600, true, "private key"},
		"oversized":          {strings.Repeat(" ", maxFile+1), 0o600, true, "limit of 16384"},
		"two keys":           {string(public) + string(public), 0o600, true, "after the key"},
		"junk in DER":        {string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")})), 0o600, true, "not an SPKI"},
		"another curve":      {string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), 0o600, false, "P-256"},
	} {
		path := filepath.Join(t.TempDir(), "bad.pem")
		if err := os.WriteFile(path, []byte(c.data), c.mode); err != nil {
			t.Fatal(err)
		}
		if c.public {
			_, err = ReadPublic(path)
		} else {
			_, err = ReadPrivate(path)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "bad.pem") {
			t.Errorf("%s: got %v, want the file's name and %q", name, err, c.want)
		}
	}
}
