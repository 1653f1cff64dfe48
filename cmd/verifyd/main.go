// Verifyd checks claims of training work by replaying some of its steps bit
// for bit. Run it without arguments for help.
package main

import (
	"os"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr))
}
