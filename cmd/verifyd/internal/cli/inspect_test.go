package cli

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"text/tabwriter"
)

func FuzzInspect(f *testing.F) {
	f.Add([]byte(`{"payloadType":"application/vnd.verifyd.job.v1+json","payload":"e30=","signatures":[]}`))
	f.Add([]byte(`{"version":"verifyd-program/1"}`))
	f.Add([]byte("\x28\xb5\x2f\xfd\x04\x00\x41\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Add([]byte("\x02\x00\x00\x00\x00\x00\x00\x00{}"))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		it, err := inspectFile(path)
		if err != nil {
			return
		}
		it.text(tabwriter.NewWriter(io.Discard, 0, 8, 2, ' ', 0))
		if _, err := json.Marshal(it); err != nil {
			t.Errorf("what was read cannot be written: %v", err)
		}
	})
}
