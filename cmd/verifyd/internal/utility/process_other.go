//go:build !unix

package utility

import "os/exec"

func group(*exec.Cmd) {}

// kill ends the program.
func kill(cmd *exec.Cmd) { _ = cmd.Process.Kill() } // unless it has ended
