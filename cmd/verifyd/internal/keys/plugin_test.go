package keys

import (
	"bufio"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain is also a plugin, in the manner that $VERIFYD_TEST_PLUGIN names.
func TestMain(m *testing.M) {
	if manner, ok := os.LookupEnv("VERIFYD_TEST_PLUGIN"); ok {
		behave(manner)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// behave answers as a plugin would, but for its manner.
func behave(manner string) {
	path := os.Getenv("VERIFYD_TEST_PLUGIN_KEY")
	s, err := (Keyring{}).Open(context.Background(), path, "")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 4<<20)
	for n := 1; in.Scan(); n++ {
		var r request
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		a := answer{ID: r.ID}
		if r.Do == "public" {
			a.Public, _ = marshalPublic(s.Public())
			a.Certificate = s.certificate.String()
		} else if r.Algorithm == Ed25519 {
			a.Signature, _ = s.Sign(rand.Reader, r.Message, crypto.Hash(0))
		} else {
			a.Signature, _ = s.Sign(rand.Reader, r.Digest, crypto.SHA256)
		}
		line := ""
		switch manner {
		case "silent":
			time.Sleep(time.Hour)
		case "silent later":
			if r.Do == "sign" {
				time.Sleep(time.Hour)
			}
		case "dies":
			fmt.Fprintln(os.Stderr, "out of luck")
			return
		case "endless":
			for {
				fmt.Print(strings.Repeat("x", 1<<16))
			}
		case "babbles":
			line = "hello"
		case "extra field":
			line = `{"id":1,"pin":"1234"}`
		case "two answers":
			line = `{"id":1} {"id":1}`
		case "other id":
			a.ID++
		case "no key":
			a.Public = []byte("x")
		case "unknown role":
			a.Role, a.Certificate = "king", ""
		case "plain word":
			a.Role, a.Certificate = string(s.Role()), ""
		case "another word":
			a.Role = string(Log)
		case "bent certificate":
			a.Certificate = strings.Replace(a.Certificate, " verifier ", " operator ", 1)
		case "forges":
			if r.Do == "sign" {
				a.Signature[len(a.Signature)-1] ^= 1
			}
		case "refuses once":
			if n == 2 {
				a.Signature, a.Error = nil, "nobody touched the button"
			}
		}
		if line == "" {
			data, _ := json.Marshal(a)
			line = string(data)
		}
		fmt.Println(line)
	}
}

// manner returns a reference to a plugin that behaves in a manner.
func manner(t *testing.T, name string, role Role, a Algorithm) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key.pem")
	if _, err := (Keyring{}).New(path, role, a); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VERIFYD_TEST_PLUGIN", name)
	t.Setenv("VERIFYD_TEST_PLUGIN_KEY", path)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return "plugin:" + self + ":any"
}

func TestAPluginSignsWithEveryAlgorithm(t *testing.T) {
	for _, a := range Algorithms() {
		s, err := (Keyring{}).Open(t.Context(), manner(t, "good", Verifier, a), Verifier)
		if err != nil {
			t.Fatal(err)
		}
		if s.Role() != Verifier {
			t.Errorf("%s: role %q", a, s.Role())
		}
		signs(t, s)
		signs(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAPluginsKeyIsRefusedInAnotherRole(t *testing.T) {
	if s, err := (Keyring{}).Open(t.Context(), manner(t, "plain word", Verifier, P256), Verifier); err != nil {
		t.Error(err)
	} else if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := (Keyring{}).Open(t.Context(), manner(t, "good", Worker, P256), Verifier); !errors.Is(err, ErrRole) {
		t.Errorf("%v", err)
	}
}

func TestAPluginThatBreaksTheProtocolIsNotOpened(t *testing.T) {
	for name, want := range map[string]string{
		"silent":       "no answer in 200ms",
		"dies":         `it says "out of luck"`,
		"endless":      "a line of more than 65536 bytes",
		"babbles":      "invalid character",
		"extra field":  "unknown field",
		"two answers":  "more than one object",
		"other id":     "answers request 2, asked was 1",
		"no key":       "not an SPKI key",
		"unknown role": `"king" is not one of`,
		"another word": "states two roles",

		"bent certificate": "the certificate of its role, operator, is another key's or was changed",
	} {
		ring := Keyring{}
		if name == "silent" {
			ring.timeout = 200 * time.Millisecond
		}
		_, err := ring.Open(t.Context(), manner(t, name, Verifier, P256), "")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "plugin:") {
			t.Errorf("%s: error %v does not say %q", name, err, want)
		}
	}
}

func TestAPluginThatForgesOrFallsSilentSignsNothing(t *testing.T) {
	digest := make([]byte, 32)
	for name, want := range map[string]string{"forges": "no signature by its key", "silent later": "no answer in 200ms"} {
		s, err := (Keyring{}).Open(t.Context(), manner(t, name, Verifier, P256), "")
		if err != nil {
			t.Fatal(err)
		}
		if name == "silent later" { // it may take its time to start
			s.Signer.(*plugin).timeout = 200 * time.Millisecond
		}
		if sig, err := s.Sign(rand.Reader, digest, crypto.SHA256); err == nil || !strings.Contains(err.Error(), want) || sig != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestARefusalDoesNotEndTheConversation(t *testing.T) {
	s, err := (Keyring{}).Open(t.Context(), manner(t, "refuses once", Verifier, P256), "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Sign(rand.Reader, make([]byte, 32), crypto.SHA256); err == nil || !strings.Contains(err.Error(), "nobody touched the button") {
		t.Errorf("%v", err)
	}
	signs(t, s)
	if _, err := s.Sign(rand.Reader, make([]byte, 20), crypto.SHA1); err == nil {
		t.Error("signed a digest of another kind")
	}
}

func TestAPluginEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s, err := (Keyring{}).Open(ctx, manner(t, "silent later", Verifier, P256), "")
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := s.Sign(rand.Reader, make([]byte, 32), crypto.SHA256); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestTheExamplePluginWorks builds what others are to copy from.
func TestTheExamplePluginWorks(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, PluginPrefix+"file")
	if out, err := exec.Command("go", "build", "-o", program, "../../../../examples/verifyd-signer-file").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("VERIFYD_SIGNER_KEYS", dir)
	for _, a := range []Algorithm{P256, Ed25519} {
		made, err := (Keyring{}).New(filepath.Join(dir, string(a)+".pem"), Policy, a)
		if err != nil {
			t.Fatal(err)
		}
		s, err := (Keyring{}).Open(t.Context(), "plugin:file:"+string(a), Policy)
		if err != nil {
			t.Fatal(err)
		}
		if s.Role() != Policy || id(t, s.Public()) != id(t, made.Public()) {
			t.Errorf("%s: role %q, or another key", a, s.Role())
		}
		signs(t, s)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := (Keyring{}).Open(t.Context(), "plugin:file:../p256", ""); err == nil || !strings.Contains(err.Error(), "letters, digits and hyphen") {
		t.Errorf("%v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"id":1,"public":"MFkwEwYH","role":"verifier"}`))
	f.Add([]byte(`{"id":1,"error":"no"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		if a, err := parseAnswer(line, 1); err == nil && a.ID != 1 {
			t.Fatalf("%q answers another request", line)
		}
	})
}
