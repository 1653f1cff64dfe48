package keys

import (
	"crypto"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkSign signs a digest, or for Ed25519 32 bytes, with each algorithm,
// in memory and by a plugin, whose answer is verified.
func BenchmarkSign(b *testing.B) {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	for _, a := range Algorithms() {
		path := filepath.Join(b.TempDir(), "key.pem")
		if _, err := (Keyring{}).New(path, Verifier, a); err != nil {
			b.Fatal(err)
		}
		b.Setenv("VERIFYD_TEST_PLUGIN", "good")
		b.Setenv("VERIFYD_TEST_PLUGIN_KEY", path)
		for where, ref := range map[string]string{"file": path, "plugin": "plugin:" + self + ":any"} {
			b.Run(string(a)+"/"+where, func(b *testing.B) {
				s, err := (Keyring{}).Open(b.Context(), ref, Verifier)
				if err != nil {
					b.Fatal(err)
				}
				defer s.Close()
				opts := crypto.SHA256
				if a == Ed25519 {
					opts = 0
				}
				input := make([]byte, 32)
				for b.Loop() {
					if _, err := s.Sign(rand.Reader, input, opts); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
