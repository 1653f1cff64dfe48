//go:build linux

package input

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/verifyd/verifyd/verify/fault"
)

func TestAFileThatIsHandedDownHasANameOfTheCallers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := os.Remove(path); err != nil { // it has no other name any more
		t.Fatal(err)
	}
	name := fmt.Sprintf("/dev/fd/%d/X.csv", f.Fd())
	for range 2 { // from its beginning each time
		if data, err := ReadFile(name, 100); err != nil || string(data) != "text" {
			t.Fatalf("%q, %v", data, err)
		}
	}
	if _, err := ReadFile(name, 3); err == nil || err.Error() != name+": over the limit of 3 bytes" {
		t.Errorf("%v", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := ReadFile(fmt.Sprintf("/dev/fd/%d/X.csv", r.Fd()), 3); fault.Of(err) != fault.NotRegular {
		t.Errorf("a pipe: %v", err)
	}
}

func TestNoOtherNameIsTakenForAFileThatWasHandedDown(t *testing.T) {
	for name, want := range map[string]string{
		"/dev/fd/7/X.csv": "/dev/fd/7", "/dev/fd/65535/a": "/dev/fd/65535",
		"/dev/fd/7": "/dev/fd/7", "/dev/fd/7/": "/dev/fd/7/", "/dev/fd/07/x": "/dev/fd/07/x", "/dev/fd/-1/x": "/dev/fd/-1/x", "/dev/fd/+1/x": "/dev/fd/+1/x",
		"/dev/fd/7/a/b": "/dev/fd/7/a/b", "/dev/fd/7/../x": "/dev/fd/7/../x", "/dev/fd/65536/x": "/dev/fd/65536/x", "7/x": "7/x", "x": "x",
	} {
		if got := Path(name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}
