// Package gpu runs programs on NVIDIA GPUs in a process of its own for each device.
//
//	device, err := gpu.Open(ctx, gpu.Options{Ordinal: 0})  // an engine.Device
//	defer device.Close()
//
// An error that poisons a CUDA context outlives the call that met it, and a driver can crash or hang.
// So this process never loads the driver: a child does (the hidden command gpu-child), and serves an
// engine.Accelerator on each connection that its parent sends it. A fault of the device, a crash or a hang
// costs the child; whoever was served gets an error of class engine.ErrDevice, and the next Start
// begins with a new child.
//
//	parent                                         child
//	engine.NewAccelerated on a remote  -- stream --  connection on a cgo.Accelerator
//	Device                             -- control -  Serve
//
// The control socket carries the child's greeting and a descriptor for each connection; a child whose control
// socket is closed, because its parent is done or gone, ends. There is no address that others could connect to.
//
// What crosses the wire is written in wire.go, routine.go and failure.go. Both ends are the same
// executable on the same machine, so words cross as they lie in memory. Both check every size before
// they allocate.
package gpu
