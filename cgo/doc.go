// Package cgo drives NVIDIA GPUs: devices, memory, streams, modules, launches, graphs and health. It
// is the only place of verifyd with `import "C"`.
//
//	driver, err := cgo.Open(ctx, cgo.Options{})    // libcuda by dlopen, at run time
//	device, err := driver.OpenDevice(ctx, 0)       // its primary context
//	module, err := device.Load(ctx, "drn1", ptx)   // compiled by the driver, with its log
//	kernel, err := module.Kernel("relu")
//	stream, err := device.NewStream()
//	pool := device.NewPool(stream, 8<<30)          // never more than 8 GiB
//	buf, err := pool.Alloc(ctx, n)
//	err = stream.Launch(ctx, cgo.Launch{Kernel: kernel, Grid: g, Block: b, Args: []cgo.Arg{buf.Arg()}})
//	err = stream.Wait(ctx)
//	err = device.Close(ctx)                        // releases all that is left
//
// A program's state lives in an Accelerator: device memory in which a whole training step runs as one graph.
//
//	kernels, err := cgo.NewKernels(device)         // those of DRN-1, for all accelerators of the device
//	a, err := cgo.NewAccelerator(ctx, device, kernels, words, 8<<30)
//	step, err := a.Record(ctx, routine)            // compiles, captures
//	err = a.Run(ctx, step, in, out)                // one launch, one wait, no allocation
//
// No toolkit is needed to build it: libcuda.h holds the few declarations in use. On a machine without
// a driver, and in a build with CGO_ENABLED=0, Open returns ErrNoDriver and says why.
//
// Errors are values: errors.Is tells their class (see errors.go), errors.As gives the call, its code
// and the driver's words.
//
// # Waiting
//
// Everything that can wait takes a context. A context that ends gives its error back and leaves the
// work in flight. A wait that exceeds Options.Watchdog is something else: the kernel or the device
// hangs, the error is ErrTimeout, and the device counts as lost from then on: every further call
// returns ErrLost at once without asking the driver, which might never return, and Close gives the
// memory up to the end of the process. The same holds after an error that poisons the context
// (ErrSticky), but that the driver still answers. In both cases the process must end before the
// device can be used again; run a device in a child process.
//
// # Threads
//
// A context is current to a thread of the operating system, and goroutines change threads. Each call
// into the driver therefore makes its context current on the thread that it runs on, within the same
// crossing from Go to C. Only the capture of a graph binds its goroutine to one thread, because the
// driver demands that. A library may change how the thread rounds that loads it; each call puts that
// back, and Open checks it.
//
// The package never decides what is computed: grids, orders and roundings are those of package
// kernels, and a kernel is whatever its PTX says.
package cgo
