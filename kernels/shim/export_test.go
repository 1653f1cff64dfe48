package shim

import (
	"context"
	"maps"
)

// What the tests see of the insides.
var (
	ErrLost    = errLost
	KernelName = kernelName
)

// Source is the folder of the kernels.
func (p *Program) Source() string { return p.source }

// With is the program, in dir, where some pages are those of another folder.
func (p *Program) With(ctx context.Context, source, dir string, changed []string) (*Program, error) {
	m := &Program{source: source, dir: dir, objects: maps.Clone(p.objects)}
	return m, m.build(ctx, changed)
}
