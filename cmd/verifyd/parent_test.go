//go:build unix

package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestACommandEndsWithTheProcessThatStartedIt, even if that is killed and nobody closes the pipe between the two.
func TestACommandEndsWithTheProcessThatStartedIt(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	questions, answers, err := os.Pipe() // the test holds the other end
	if err != nil {
		t.Fatal(err)
	}
	defer questions.Close()
	defer answers.Close()
	shell := exec.Command("sh", "-c", self+` -test.run='TestIsVerifyd$' -- $$ <&3 >/dev/null 2>&1 & echo $!; wait`)
	shell.Env = append(os.Environ(), "VERIFYD_TEST_PARENT=1")
	shell.ExtraFiles = []*os.File{questions}
	out, err := shell.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := shell.Start(); err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 32)
	n, err := out.Read(text)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(500 * time.Millisecond)
	if syscall.Kill(child, 0) != nil {
		t.Fatal("it does not wait for its first line")
	}
	if err := shell.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = shell.Wait()
	for range 1000 {
		if syscall.Kill(child, 0) != nil {
			return
		}
		if state, _ := os.ReadFile("/proc/" + strconv.Itoa(child) + "/stat"); strings.Contains(string(state), ") Z ") {
			return // nobody waits for it here
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = syscall.Kill(child, syscall.SIGKILL)
	t.Error("it is still there")
}
