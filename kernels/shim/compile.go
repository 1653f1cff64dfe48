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

// Compiler is the C++ compiler that Compile calls.
const Compiler = "g++"

// Program is a host with the kernels of a folder, compiled.
type Program struct {
	source  string // folder of the kernels
	dir     string // folder of the objects and the host
	objects map[string]string
	path    string
}

// Compile builds the host from every *.cu in source, the folder kernels of the repository. The
// caller must Remove the program.
func Compile(ctx context.Context, source string) (*Program, error) {
	source, err := filepath.Abs(source)
	if err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(source, "*.cu"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("shim: no kernels in %s", source)
	}
	dir, err := os.MkdirTemp("", "verifyd-shim-")
	if err != nil {
		return nil, fmt.Errorf("shim: %w", err)
	}
	p := &Program{source: source, dir: dir, objects: map[string]string{}}
	if err := p.build(ctx, append(files, filepath.Join(source, "_shim", "host.cpp"))); err != nil {
		return nil, errors.Join(err, p.Remove())
	}
	return p, nil
}

// build compiles files side by side and links the host.
func (p *Program) build(ctx context.Context, files []string) error {
	errs := make([]error, len(files))
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for i, file := range files {
		object := filepath.Join(p.dir, filepath.Base(file)+".o")
		p.objects[filepath.Base(file)] = object
		all.Go(func() {
			slots <- struct{}{}
			errs[i] = p.compile(ctx, file, object)
			<-slots
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	p.path = filepath.Join(p.dir, "host")
	return p.link(ctx)
}

var kernelName = regexp.MustCompile(`(?m)^extern "C" __global__ void (?:__launch_bounds__\([^)]*\)\s+)?(\w+)\(`)

// compile makes an object of one file. A .cu is compiled in a page that includes it and puts its
// kernels into the host's table.
func (p *Program) compile(ctx context.Context, file, object string) error {
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
	// The sanitizers end the process at a misaligned vector and outside of a shared array.
	return run(ctx, "-std=c++17", "-O1", "-mfma", "-ffp-contract=off", "-Wall", "-Werror", "-Wno-unknown-pragmas",
		"-fsanitize=alignment,bounds", "-fsanitize-undefined-trap-on-error",
		"-DVERIFYD_SHIM", "-I", p.source, "-c", page, "-o", object)
}

func (p *Program) link(ctx context.Context) error {
	args := []string{"-o", p.path}
	for _, object := range p.objects {
		args = append(args, object)
	}
	return run(ctx, args...)
}

// Remove deletes what Compile wrote.
func (p *Program) Remove() error { return os.RemoveAll(p.dir) }

// run calls the compiler; its messages are the error.
func run(ctx context.Context, args ...string) error {
	out, err := exec.CommandContext(ctx, Compiler, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("shim: %s: %w\n%s", Compiler, err, out)
	}
	return nil
}
