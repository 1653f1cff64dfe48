package shim

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
)

// Compiler is the C++ compiler that Compile and Objects call.
const Compiler = "g++"

// Objects compiles files for the CPU, side by side, and returns where in dir each one's object is, by the file's
// name. Source is the folder kernels. Flags are added to those without which the kernels would give other bytes.
func Objects(ctx context.Context, source, dir string, files []string, flags ...string) (map[string]string, error) {
	objects := map[string]string{}
	errs := make([]error, len(files))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i, file := range files {
		object := filepath.Join(dir, filepath.Base(file)+".o")
		objects[filepath.Base(file)] = object
		all.Go(func() {
			slots <- struct{}{}
			errs[i] = compile(ctx, source, file, object, flags)
			<-slots
		})
	}
	all.Wait()
	return objects, errors.Join(errs...)
}

var kernelName = regexp.MustCompile(`(?m)^extern "C" __global__ void (?:__launch_bounds__\([^)]*\)\s+)?(\w+)\(`)

// compile makes an object of one file. A .cu is compiled in a page that includes it and puts its
// kernels into the host's table.
func compile(ctx context.Context, source, file, object string, flags []string) error {
	page := file
	if strings.HasSuffix(file, ".cu") {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("shim: %w", err)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "#include %q\n", file)
		for _, m := range kernelName.FindAllStringSubmatch(string(text), -1) {
			fmt.Fprintf(&b, "static shim::Entry<%s> entry_%s(%q);\n", m[1], m[1], m[1])
		}
		page = object + ".cpp"
		if err := os.WriteFile(page, []byte(b.String()), 0o600); err != nil {
			return fmt.Errorf("shim: %w", err)
		}
	}
	args := []string{"-std=c++17", "-O1", "-mfma", "-ffp-contract=off", "-DVERIFYD_SHIM", "-I", source}
	return run(ctx, append(append(args, flags...), "-c", page, "-o", object)...)
}

// run calls the compiler; its messages are the error.
func run(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, Compiler, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("shim: %s: %w\n%s", Compiler, err, out)
	}
	return nil
}
