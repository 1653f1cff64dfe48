// Package engine is where a program's state lives while its steps run: in this process' memory, or in that
// of a device.
//
//	cpu := engine.NewCPU("cpu avx2, 2 threads", runner, 2)   // a Device
//	e, err := cpu.Start(ctx, spec)                            // an Engine
//	err = e.Load(ctx, fill)                                   // or e.Init(ctx, seed)
//	step, err := e.Step(ctx, t)                               // on e.X() and e.Y()
//
// What leaves an engine after a step is its loss, its clip coefficient and digests: enough for a step leaf,
// and some kilobytes where the state has gigabytes. The bytes are the same whatever the device.
//
// What is not a step of a program, such as the value of a contribution, runs as lists of operators in a Memory that a
// Device opens: words of this process or of an accelerator.
//
// NewAccelerated makes an engine on any Accelerator, a block of memory with a processor beside it that
// runs launch plans: package cgo has the one that is a GPU. This package never opens a device
// itself, and knows nothing of jobs and claims.
package engine
