package proofs_test

import (
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/proofs"
	"github.com/verifyd/verifyd/proofs/internal/scenario"
	"github.com/verifyd/verifyd/proofs/testdata/vectors"
)

func TestAReaderWrittenApartAgreesOnEveryVector(t *testing.T) {
	python := proofs.NeedTool(t, "python3")
	files, err := filepath.Glob(filepath.Join(vectorFolder, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	told, err := filepath.Glob(filepath.Join(sequenceFolder, "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, told...)
	out, err := exec.Command(python, append([]string{"testdata/check_vectors.py"}, files...)...).CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTheReaderWrittenApartCanSayNo(t *testing.T) {
	python := proofs.NeedTool(t, "python3")
	for name, lie := range map[string][2]string{
		"signed":            {"expect: success", "expect: high-s signatures[0].sig"},
		"signed_other_body": {"expect: bad-signature signatures[0].sig", "expect: success"},
		"short":             {"expect: bad-length", "expect: dirty-padding"},
	} {
		vector, err := os.ReadFile(filepath.Join(vectorFolder, name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "vector.txt")
		if err := os.WriteFile(path, []byte(strings.Replace(string(vector), lie[0], lie[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(python, "testdata/check_vectors.py", path).CombinedOutput(); err == nil {
			t.Errorf("%s: %s", name, out)
		}
	}
}

// TestOpenSSLAgreesOnThePlainVectors asks OpenSSL about each ECDSA signature
// that is in order, valid or not. It takes high s and some BER, which are ours
// to refuse.
func TestOpenSSLAgreesOnThePlainVectors(t *testing.T) {
	openssl := proofs.NeedTool(t, "openssl")
	all, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, v := range all {
		key := v.Facts["key"]
		if v.Kind != "signature" || len(key) < 2*64 || v.Expect != "success" && !strings.HasPrefix(v.Expect, "bad-signature") {
			continue
		}
		asked++
		der, err := hex.DecodeString(key)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		for name, data := range map[string][]byte{
			"key.pem": pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}),
			"sig.der": facts(v.Facts).hex("sig"),
			"pae.bin": proofs.PAEOf(v.Facts["type"], v.Body),
		} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		cmd := exec.Command(openssl, "dgst", "-sha256", "-verify", "key.pem", "-signature", "sig.der", "pae.bin")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); (err == nil) != (v.Expect == "success") {
			t.Errorf("%s: %v\n%s", v.Name, err, out)
		}
	}
	if asked < 10 {
		t.Errorf("only %d vectors were asked about", asked)
	}
}

func TestTheReaderWrittenApartSaysWhatRestsOnAFixedBeacon(t *testing.T) {
	python := proofs.NeedTool(t, "python3")
	pool, err := scenario.New()
	if err != nil {
		t.Fatal(err)
	}
	set, err := pool.Sign(pool.Set, 0, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	signers := write("signers.json", set.Bytes())
	for worker, fixed := range []bool{false, true} {
		b, err := pool.Bundle(worker)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(python, "testdata/check.py", "--log", pool.Log.VKey(), "--now", fmt.Sprint(scenario.Now),
			"--signers", signers, "--bundle", write("worker.vproof", b.Bytes())).CombinedOutput()
		if err != nil || strings.Contains(string(out), "warning: rests on a fixed beacon") != fixed {
			t.Errorf("worker %d: %v\n%s", worker, err, out)
		}
	}
}

func TestTheReaderWrittenApartAsksTheClockAndRefusesPlainly(t *testing.T) {
	python := proofs.NeedTool(t, "python3")
	const bundled, set = "testdata/example/worker.vproof", "testdata/example/signers.json"
	log, err := os.ReadFile("testdata/example/log.pub")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"in time":        {[]string{"--bundle", bundled, "--signers", set, "--now", "1795003200"}, "1100 units in all"},
		"expired":        {[]string{"--bundle", bundled, "--signers", set, "--now", "1795086401"}, "refused: expired"},
		"of the future":  {[]string{"--bundle", bundled, "--signers", set, "--now", "1794999699"}, "refused: from-the-future"},
		"a contribution": {[]string{"--bundle", "testdata/example/contribution.json", "--signers", set}, "is a contribution, want a bundle"},
		"no signer set":  {[]string{"--bundle", bundled, "--signers", "testdata/example/contribution.json"}, "is a contribution, want a signer-set"},
		"no such file":   {[]string{"--bundle", "none.vproof", "--signers", set}, "refused: "},
	} {
		args := append([]string{"testdata/check.py", "--log", strings.TrimSpace(string(log))}, c.args...)
		out, err := exec.Command(python, args...).CombinedOutput()
		if !strings.Contains(string(out), c.want) || strings.Contains(string(out), "Traceback") || (err == nil) != (name == "in time") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}
