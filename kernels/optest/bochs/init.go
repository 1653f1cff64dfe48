// Command bochs is the first process of the emulated machine that run.sh boots: it runs the
// commands in /commands, one a line, says how they ended, and stays, because a kernel whose first
// process ends stops before the console is written out.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

func main() {
	if err := runAll(); err != nil {
		fmt.Println("finished: failed:", err)
	} else {
		fmt.Println("finished: passed")
	}
	time.Sleep(24 * time.Hour)
}

func runAll() error {
	commands, err := os.ReadFile("/commands")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(commands)) {
		fields := strings.Fields(line)
		test := exec.Command(fields[0], fields[1:]...)
		test.Stdin, test.Stdout, test.Stderr = os.Stdin, os.Stdout, os.Stderr
		if err := test.Run(); err != nil {
			return fmt.Errorf("%s: %w", fields[0], err)
		}
	}
	return nil
}
