//go:build cgo && linux

package cgo

// #include <stdlib.h>
// #include "library.h"
import "C"

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"unsafe"
)

// Module is PTX that the driver has compiled for the device.
type Module struct {
	device *Device
	name   string
	m      C.CUmodule
	log    string

	mu      sync.Mutex
	kernels map[string]*Kernel
}

// logBytes bounds each of the compiler's two logs.
const logBytes = 16 << 10

// Load compiles PTX, which ends before its first zero byte. ErrBadModule carries the compiler's log.
// The first load on a machine may take seconds; the driver keeps the result in its own cache.
func (g *Device) Load(ctx context.Context, name string, ptx []byte) (*Module, error) {
	if i := bytes.IndexByte(ptx, 0); i >= 0 {
		ptx = ptx[:i]
	}
	if len(ptx) == 0 {
		return nil, fail(ErrBadModule, "", "%s is empty", name)
	}
	// The compiler may outlive this call, so it gets copies that it keeps alive itself.
	image := append(bytes.Clone(ptx), 0)
	info, problem := make([]byte, logBytes), make([]byte, logBytes)
	out := new(C.CUmodule)
	err := g.guard(ctx, "cuModuleLoadDataEx",
		func() C.int {
			return C.verifyd_load_module(&g.driver.api, g.ctx, out, unsafe.Pointer(&image[0]),
				(*C.char)(unsafe.Pointer(&info[0])), (*C.char)(unsafe.Pointer(&problem[0])), logBytes)
		},
		func() C.int { return C.verifyd_cuModuleUnload(&g.driver.api, g.ctx, *out) })
	var e *Error
	if errors.As(err, &e) && e.Call == "cuModuleLoadDataEx" && e.Code != 0 {
		if text := logText(problem); text != "" {
			return nil, fmt.Errorf("load %s: %w: %s", name, err, text)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", name, err)
	}
	m := &Module{device: g, name: name, m: *out, log: logText(info), kernels: map[string]*Kernel{}}
	g.own(m)
	return m, nil
}

func logText(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return strings.ToValidUTF8(strings.TrimSpace(string(b)), "?")
}

// Log is what the compiler said: registers, shared memory and spills of each kernel.
func (m *Module) Log() string { return m.log }

// Close unloads the module; its kernels must not be in flight.
func (m *Module) Close() error { return m.device.disown(m) }

func (m *Module) release() error {
	return m.device.destroy("cuModuleUnload", func() C.int { return C.verifyd_cuModuleUnload(&m.device.driver.api, m.device.ctx, m.m) })
}

// Kernel is an entry of a module, with what the compiler gave it.
type Kernel struct {
	Name       string
	Registers  int // a thread
	Shared     int // static bytes a block
	Local      int // bytes of spills and arrays a thread
	MaxThreads int // a block

	device *Device
	f      C.CUfunction
	mu     sync.Mutex
	extra  uint32 // dynamic shared bytes that were asked for
}

// The attributes of functions in use (CUfunction_attribute).
const (
	functionMaxThreads = 0
	functionShared     = 1
	functionLocal      = 3
	functionRegisters  = 4
	functionDynamic    = 8 // MAX_DYNAMIC_SHARED_SIZE_BYTES
)

// Kernel finds an entry. One that the module lacks is ErrInvalid.
func (m *Module) Kernel(name string) (*Kernel, error) {
	if err := m.device.usable(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if k := m.kernels[name]; k != nil {
		return k, nil
	}
	g, text := m.device, C.CString(name)
	defer C.free(unsafe.Pointer(text))
	k := &Kernel{Name: name, device: g}
	if err := g.check("cuModuleGetFunction", C.verifyd_cuModuleGetFunction(&g.driver.api, g.ctx, &k.f, m.m, text)); err != nil {
		return nil, fmt.Errorf("kernel %s of %s: %w", name, m.name, err)
	}
	for _, a := range []struct {
		attribute C.int
		to        *int
	}{{functionRegisters, &k.Registers}, {functionShared, &k.Shared}, {functionLocal, &k.Local}, {functionMaxThreads, &k.MaxThreads}} {
		var v C.int
		if err := g.check("cuFuncGetAttribute", C.verifyd_cuFuncGetAttribute(&g.driver.api, g.ctx, &v, a.attribute, k.f)); err != nil {
			return nil, fmt.Errorf("kernel %s of %s: %w", name, m.name, err)
		}
		*a.to = int(v)
	}
	m.kernels[name] = k
	return k, nil
}
