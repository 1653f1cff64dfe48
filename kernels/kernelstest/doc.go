// Package kernelstest offers the CUDA kernels to tests on a machine without a GPU, at two houses: under g++ with
// the threads in either order (package kernels/shim), and from the shipped PTX in an interpreter (package
// kernels/ptx/interpreter). A house serves as a backend of package kernels/optest, runs launch plans on operands,
// and makes accelerators for engines.
//
//	func TestMain(m *testing.M) { os.Exit(kernelstest.Main(m)) } // where Shim is called
//
//	house := kernelstest.Shim(t, kernelstest.Descending)
//	engine.NewAccelerated(ctx, spec, house.Memory)
//	optest.Test(t, house)
//
// It never reaches a binary: only tests import it.
package kernelstest
