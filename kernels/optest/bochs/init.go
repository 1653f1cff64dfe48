// Command bochs is the first process of the emulated machine that run.sh boots: it runs the test
// binary with the kernel's arguments, says how that ended, and stays, because a kernel whose first
// process ends stops before the console is written out.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"time"
)

func main() {
	test := exec.Command("/optest", os.Args[1:]...)
	test.Stdin, test.Stdout, test.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := test.Run(); err != nil {
		fmt.Println("finished: failed:", err)
	} else {
		fmt.Println("finished: passed")
	}
	time.Sleep(24 * time.Hour)
}
