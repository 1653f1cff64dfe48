// Package device says what computes in this process: the GPU or the processor that was asked for, and the order
// in which devices confirm what another one found and go on where it failed.
//
//	set, err := device.Open(ctx, device.Options{Name: "auto"})
//	defer set.Close()
//	set.First()     // does work that nobody has to confirm
//	set.Order()     // judges: at least two devices, the first that serves and those that confirm
//
// Package gpu holds a GPU in a process of its own, package doctor knows what bits to expect of a device; this
// package puts them together. It never changes a bit of a result, and it decides no verdict: package verify does.
package device
