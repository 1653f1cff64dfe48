// Package doctor examines the devices of a machine before they judge anybody's work: it lets each code path
// of the processor and each GPU compute what is known, and refuses those whose bits differ.
//
//	system := doctor.Look(ctx, cgo.Options{})          // driver and GPUs
//	defer system.Close(ctx)
//	report, err := doctor.Examine(ctx, doctor.Options{System: system, Open: open})
//
// A device is right if it gives the golden vectors of DRN-1, one case of ordinary numbers and one of
// arbitrary bits for every operator, and the digests of whole training steps. There is no tolerance. A device
// that is right is timed.
//
// The package never opens a GPU itself: Open does, in a process of its own where the caller wants that.
package doctor
