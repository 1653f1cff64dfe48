// Package enginetest is the one conformance suite that every engine.Device must pass: small trainings of
// every kind of model, whose every bit that leaves the device is known.
//
//	enginetest.Test(t, device, 300)       // the small programs, 300 steps
//	enginetest.TestLarge(t, device, 300)  // programs that fill more than one block of everything
//	enginetest.TestModels(t, device, 300) // models of PyTorch, whole
//
// The digests in testdata/digests.txt were made on the CPU. Where a device differs, the suite runs the CPU
// beside it and names the first step and the first tensor that are not the same.
//
// The package never decides what a step computes: that is package program and kernels/contract.md.
package enginetest
