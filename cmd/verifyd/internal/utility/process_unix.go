//go:build unix

package utility

import (
	"os/exec"
	"syscall"
)

// group has a program lead a group of its own: interrupts from the terminal are ours to deal with, and what it starts ends with it.
func group(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

// kill ends the program and all that it started.
func kill(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // unless it has ended
