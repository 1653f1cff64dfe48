package shim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

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
	// The sanitizers end the process at a misaligned vector and outside of a shared array.
	objects, err := Objects(ctx, p.source, p.dir, files, "-Wall", "-Werror", "-Wno-unknown-pragmas",
		"-fsanitize=alignment,bounds", "-fsanitize-undefined-trap-on-error")
	if err != nil {
		return err
	}
	maps.Copy(p.objects, objects)
	p.path = filepath.Join(p.dir, "host")
	return p.link(ctx)
}

func (p *Program) link(ctx context.Context) error {
	return run(ctx, append([]string{"-o", p.path}, slices.Collect(maps.Values(p.objects))...)...)
}

// Remove deletes what Compile wrote.
func (p *Program) Remove() error { return os.RemoveAll(p.dir) }
