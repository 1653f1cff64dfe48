//go:build cgo && linux

package cgo

// #include "library.h"
import "C"

import (
	"context"
	"fmt"
)

// boxes hold a launch's numbers where the driver can read them without an allocation.
type boxes struct {
	dim  [6]C.uint32_t
	args [C.LAUNCH_ARGS]C.uint64_t
}

// implicitShared is how much dynamic shared memory a kernel may use without asking.
const implicitShared = 48 << 10

// Launch enqueues l. It waits only if the stream's queue is full. What the kernel does wrong shows in
// a later wait.
func (s *Stream) Launch(ctx context.Context, l Launch) error {
	if l.Kernel == nil {
		return fail(ErrInvalid, "cuLaunchKernel", "no kernel")
	}
	if len(l.Args) > C.LAUNCH_ARGS {
		return fail(ErrInvalid, "cuLaunchKernel", "%s: %d arguments, at most %d", l.Kernel.Name, len(l.Args), C.LAUNCH_ARGS)
	}
	s.box.dim = [6]C.uint32_t{C.uint32_t(l.Grid[0]), C.uint32_t(l.Grid[1]), C.uint32_t(l.Grid[2]),
		C.uint32_t(l.Block[0]), C.uint32_t(l.Block[1]), C.uint32_t(l.Block[2])}
	for _, n := range s.box.dim {
		if n == 0 {
			return fail(ErrInvalid, "cuLaunchKernel", "%s: grid %v, block %v", l.Kernel.Name, l.Grid, l.Block)
		}
	}
	if err := s.enqueue(ctx); err != nil {
		return err
	}
	if err := l.Kernel.allow(l.Shared); err != nil {
		return fmt.Errorf("launch %s: %w", l.Kernel.Name, err)
	}
	for i, a := range l.Args {
		s.box.args[i] = C.uint64_t(a)
	}
	g := s.device
	err := g.check("cuLaunchKernel", C.verifyd_launch(&g.driver.api, g.ctx, l.Kernel.f, &s.box.dim[0], C.uint(l.Shared), s.s, &s.box.args[0], C.int(len(l.Args))))
	if err != nil {
		return fmt.Errorf("launch %s: %w", l.Kernel.Name, err)
	}
	return nil
}

// allow asks once for dynamic shared memory past the implicit limit.
func (k *Kernel) allow(shared uint32) error {
	if shared <= implicitShared {
		return nil
	}
	g := k.device
	if int64(shared)+int64(k.Shared) > int64(g.info.Shared) {
		return fail(ErrUnsupported, "cuFuncSetAttribute", "%d bytes of shared memory a block, the device has %d", int64(shared)+int64(k.Shared), g.info.Shared)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if shared <= k.extra {
		return nil
	}
	if err := g.check("cuFuncSetAttribute", C.verifyd_cuFuncSetAttribute(&g.driver.api, g.ctx, k.f, functionDynamic, C.int(shared))); err != nil {
		return err
	}
	k.extra = shared
	return nil
}
