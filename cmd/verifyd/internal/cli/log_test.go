//go:build unix

package cli

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestALogIsServedUntilTheProcessIsAskedToEnd(t *testing.T) {
	dir := t.TempDir()
	key, log := filepath.Join(dir, "log.pem"), filepath.Join(dir, "log")
	for _, args := range [][]string{
		{"keys", "new", key, "--role", "log"},
		{"log", "init", log, "--origin", "example.com/pool", "--key", key},
	} {
		if code := Main(args, io.Discard, os.Stderr); code != exitOK {
			t.Fatalf("%v: exit code %d", args, code)
		}
	}
	said, stderr := io.Pipe()
	ended := make(chan int)
	go func() {
		ended <- Main([]string{"log", "serve", log, "--listen", "127.0.0.1:0"}, io.Discard, stderr)
		stderr.Close()
	}()
	messages := bufio.NewReader(said)
	line, err := messages.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, url, ok := strings.Cut(strings.TrimSpace(line), " at ")
	if !ok {
		t.Fatalf("%q", line)
	}
	go func() { _, _ = io.Copy(io.Discard, messages) }()
	reply, err := http.Get(url + "checkpoint")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(reply.Body)
	reply.Body.Close()
	if err != nil || !strings.HasPrefix(string(text), "example.com/pool\n0\n") {
		t.Fatalf("%q, %v", text, err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := <-ended; code != exitOK {
		t.Fatalf("exit code %d", code)
	}
}
