//go:build unix

package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// written are the flags that name what a command writes, and textual those that name no file.
var (
	written = []string{"out", "verdict", "proof", "reveal", "statement", "to", "plot"}
	textual = []string{
		"role", "alg", "audience", "pool", "origin", "type", "format", "account", "paid", "units", "earned", "policy-hash", "randomness", "beacon-value",
		"output", "messages", "isa", "device", "log-level", "profile", "beacon", "mode", "name", "budget", "price", "dust", "work", "value", "reason", "emission", "column",
		"not-after", "at", "listen", "contract", "contract-version", "estimator", "header", "variant", "only", "task", "worker", "removal", "convergence",
	}
)

// beside are the flags that a command needs besides those that it says it does.
var beside = map[string][]string{
	"value data": {"column"}, "value knn": {"column"}, "value oob": {"column"}, "verify": {"key", "verdict"}, "proof verify": {"signers"},
	"proof bundle": {"root"}, "proof export": {"key"},
}

// fixtures are good inputs of each kind in a folder, by the name of the flag that takes them.
func fixtures(t *testing.T, dir string) map[string]string {
	t.Helper()
	run := func(args ...string) {
		t.Helper()
		var out bytes.Buffer
		if code := Main(args, &out, &out); code != 0 {
			t.Fatalf("%v: %d, %s", args, code, out.String())
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, role := range []string{"operator", "worker", "verifier", "log"} {
		run("keys", "new", at(role+".pem"), "--role", role)
	}
	run("job", "program", "mlp", "--inputs", "4", "--hidden", "3", "--classes", "2", "--rate", "0.1", "--out", at("program.json"))
	run("policy", "new", "--name", "p", "--budget", "1", "--dust", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "--work", "1", "--out", at("policy.json"))
	run("keys", "signers", at("verifier.pem.pub"), "--audience", "urn:db:test", "--threshold", "1", "--key", at("verifier.pem"), "--out", at("set.json"))
	table, values := at("table.csv"), at("values.csv")
	for path, text := range map[string]string{table: "a,b,y\n1,2,0\n2,1,1\n3,1,0\n1,3,1\n", values: "1\n2\n"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return map[string]string{
		"train": table, "test": table, "column": "y",
		"operator": at("operator.pem.pub"), "verifier": at("verifier.pem.pub"), "program": at("program.json"), "set": at("set.json"), "signers": at("set.json"),
		"policy": at("policy.json"), "audience": "urn:db:test", "role": "verifier", "dust": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
		"account": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "emission": "1", "not-after": "2100-01-01T00:00:00Z", "name": "p", "budget": "1", "work": "1",
		"origin": "example.com/log", "format": "cose", "randomness": strings.Repeat("0", 64), "beacon": "drand-quicknet", "type": "contribution",
	}
}

// leaves are the commands that do something, with their names.
func leaves(cmd *cobra.Command) (all []*cobra.Command) {
	if len(cmd.Commands()) == 0 {
		return []*cobra.Command{cmd}
	}
	for _, c := range cmd.Commands() {
		all = append(all, leaves(c)...)
	}
	return all
}

// TestAPipeInAFilesPlaceIsRefusedAtOnce gives each command a pipe for each flag and each argument that may name a file,
// with good files for the others where a good one is made easily. The command ends, and not well: what waits for a pipe
// waits for ever. That nothing is opened in another way is for the house's test.
func TestAPipeInAFilesPlaceIsRefusedAtOnce(t *testing.T) {
	t.Setenv("VERIFYD_DEVICE", "cpu")
	dir := t.TempDir()
	good := fixtures(t, dir)
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{"job": "operator", "train": "worker", "log": "log", "fsck": "log"}
	tried, met := 0, 0
	root := (&app{}).rootCommand()
	for _, cmd := range leaves(root) {
		path := strings.Fields(cmd.CommandPath())[1:]
		if len(path) == 0 || slices.Contains([]string{"demo", "completion", "help", "doctor", "version", "gpu-child"}, path[0]) || cmd.Hidden {
			continue
		}
		var flags []string
		needed := map[string]bool{}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			needed[f.Name] = len(f.Annotations[cobra.BashCompOneRequiredFlag]) > 0
			switch kind := f.Value.Type(); {
			case kind != "string" && kind != "stringArray" && kind != "stringSlice", slices.Contains(written, f.Name), slices.Contains(textual, f.Name):
				if needed[f.Name] || slices.Contains(beside[strings.Join(path, " ")], f.Name) {
					flags = append(flags, "-"+f.Name)
				}
			default:
				flags = append(flags, f.Name)
			}
		})
		for _, pipes := range append(slices.Clone(flags), "the argument") {
			if strings.HasPrefix(pipes, "-") {
				continue
			}
			args := slices.Clone(path)
			switch { // a pipe, or a place where there is nothing
			case cmd.Args == nil || cmd.Args(cmd, []string{"x"}) != nil:
				if pipes == "the argument" {
					continue
				}
			case pipes == "the argument":
				args = append(args, pipe)
			default:
				args = append(args, good["program"])
			}
			for _, flag := range flags {
				name := strings.TrimPrefix(flag, "-")
				value, known := good[name]
				switch {
				case name == pipes:
					value = pipe
				case !needed[name] && !slices.Contains(beside[strings.Join(path, " ")], name):
					continue
				case name == "key":
					value = filepath.Join(dir, keys[path[0]]+".pem")
					if keys[path[0]] == "" {
						value = filepath.Join(dir, "verifier.pem")
					}
				case slices.Contains(written, name):
					value = filepath.Join(dir, "new", fmt.Sprint(tried))
				case !known:
					value = "1"
				}
				args = append(args, "--"+name, value)
			}
			tried++
			var out, messages bytes.Buffer
			done := make(chan int, 1)
			go func() { done <- Main(args, &out, &messages) }()
			select {
			case code := <-done:
				if strings.Contains(messages.String(), "a pipe, want a regular file") {
					met++
				}
				if code == 0 {
					t.Errorf("%v: exit code %d: %s", args, code, messages.String())
				}
			case <-time.After(10 * time.Second):
				if w, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil {
					_ = w.Close() // lets it go
				}
				t.Fatalf("%v: hangs", args)
			}
		}
	}
	if t.Logf("%d of %d met the pipe before another fault", met, tried); met < 40 {
		t.Errorf("only %d of %d met the pipe", met, tried)
	}
}
