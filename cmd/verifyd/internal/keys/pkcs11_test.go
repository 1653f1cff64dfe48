//go:build pkcs11 && cgo

package keys

import (
	"crypto/elliptic"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ThalesGroup/crypto11"
)

// softHSM is where Debian and Fedora put the library of SoftHSM 2.
var softHSM = []string{
	"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
	"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so", "/usr/lib64/softhsm/libsofthsm2.so",
}

// newToken is a token with a P-256 and a P-384 key pair, each under a label.
func newToken(t *testing.T) (module, pin string) {
	t.Helper()
	for _, path := range softHSM {
		if _, err := os.Stat(path); err == nil {
			module = path
		}
	}
	tool, err := exec.LookPath("softhsm2-util")
	if module == "" || err != nil {
		if os.Getenv("VERIFYD_CI") != "" {
			t.Fatalf("SoftHSM 2 is missing: %v", err)
		}
		t.Skip("SoftHSM 2 is missing")
	}
	dir := t.TempDir()
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, "directories.tokendir = %s\nlog.level = ERROR\n", dir), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", conf)
	out, err := exec.Command(tool, "--init-token", "--free", "--label", "pool", "--pin", "1234", "--so-pin", "5678").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pin = filepath.Join(dir, "pin")
	if err := os.WriteFile(pin, []byte("1234\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	session, err := crypto11.Configure(&crypto11.Config{Path: module, TokenLabel: "pool", Pin: "1234"})
	if err != nil {
		t.Fatal(err)
	}
	for label, curve := range map[string]elliptic.Curve{"verifyd-verifier-1": elliptic.P256(), "plain": elliptic.P256(), "other": elliptic.P384()} {
		if _, err := session.GenerateECDSAKeyPairWithLabel([]byte(label), []byte(label), curve); err != nil {
			t.Fatal(err)
		}
	}
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	return module, pin
}

func TestAKeyInHardwareSignsInItsRole(t *testing.T) {
	module, pin := newToken(t)
	ref := func(object string) string {
		return fmt.Sprintf("pkcs11:token=pool;object=%s?module-path=%s&pin-source=%s", object, module, pin)
	}
	if _, err := (Keyring{}).Open(t.Context(), ref("plain"), Verifier); !errors.Is(err, ErrNoRole) {
		t.Errorf("a key without a role: %v", err)
	}
	for _, name := range []string{ref("verifyd-verifier-1"), "verifier=" + ref("plain")} {
		s, err := (Keyring{}).Open(t.Context(), name, Verifier)
		if err != nil {
			t.Fatal(err)
		}
		if s.Role() != Verifier {
			t.Errorf("%s: role %q", name, s.Role())
		}
		if file, err := s.PublicFile(); err != nil || !strings.HasPrefix(string(file), certificateWord+" verifier ") {
			t.Errorf("%s: %q, %v", name, file, err)
		}
		signs(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := (Keyring{}).Open(t.Context(), ref("verifyd-verifier-1"), Worker); !errors.Is(err, ErrRole) {
		t.Errorf("in another role: %v", err)
	}
	if _, err := (Keyring{}).Open(t.Context(), ref("missing"), ""); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("a key that is not there: %v", err)
	}
	if _, err := (Keyring{}).Open(t.Context(), ref("other"), ""); err == nil || !strings.Contains(err.Error(), "P-256") {
		t.Errorf("another curve: %v", err)
	}
	if err := os.WriteFile(pin, []byte("4321"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Keyring{}).Open(t.Context(), ref("plain"), ""); err == nil || strings.Contains(err.Error(), "4321") {
		t.Errorf("a wrong PIN: %v", err)
	}
	if err := os.Chmod(pin, 0o644); err != nil {
		t.Fatal(err)
	}
	var mode *ModeError
	if _, err := (Keyring{}).Open(t.Context(), ref("plain"), ""); !errors.As(err, &mode) {
		t.Errorf("a PIN that others may read: %v", err)
	}
}
