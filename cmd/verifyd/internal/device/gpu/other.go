//go:build !linux

package gpu

import (
	"context"

	"github.com/verifyd/verifyd/cgo"
)

// Package cgo finds no driver on other systems, so there is nothing to serve.

func none() error {
	return fail(cgo.ErrNoDriver, "this verifyd was built without GPU support (it needs Linux); the CPU serves")
}

func serveParent(context.Context, func() (*Server, cgo.Info, error)) error { return none() }

type child struct{ info cgo.Info }

func spawn(context.Context, Options) (*child, error) { return nil, none() }

func (c *child) connect() (*remote, error) { return nil, none() }
func (c *child) over() bool                { return true }
func (c *child) end()                      {}
