//go:build unix

package utility

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAProgramThatEndsIsNamedByHowItEnded(t *testing.T) {
	var stderr bytes.Buffer
	c, finish, err := Start([]string{"sh", "-c", "echo last words >&2; exit 7"}, &stderr)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), c, Options{Patience: 10 * time.Second})
	finish()
	var e *Error
	if !errors.As(err, &e) || e.Kind != Ended || !strings.Contains(err.Error(), "exit status 7") || stderr.String() != "last words\n" {
		t.Errorf("%v, %q", err, stderr.String())
	}
	if _, _, err := Start([]string{"/nowhere/program"}, &stderr); err == nil {
		t.Error("a program that is not there is started")
	}
}

// TestNothingIsLeftOfAProgramThatStalls also kills what it started.
func TestNothingIsLeftOfAProgramThatStalls(t *testing.T) {
	pid := filepath.Join(t.TempDir(), "pid")
	c, finish, err := Start([]string{"sh", "-c", "sleep 600 & echo $! > " + pid + "; wait"}, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for {
		if data, err := os.ReadFile(pid); err == nil && len(data) > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	var e *Error
	if _, err = Open(t.Context(), c, Options{Patience: 100 * time.Millisecond}); !errors.As(err, &e) || e.Kind != Stalled {
		t.Error(err)
	}
	finish()
	if took := time.Since(began); took > grace {
		t.Errorf("it took %v", took)
	}
	data, err := os.ReadFile(pid)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	for range 200 { // whoever adopts it waits for it
		if syscall.Kill(child, 0) != nil {
			return
		}
		state, _ := os.ReadFile("/proc/" + strconv.Itoa(child) + "/stat")
		if strings.Contains(string(state), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there", child)
}
