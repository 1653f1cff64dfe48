// Package interpreter executes PTX in Go, the text that package ptx ships. It is a rig for tests, a Backend of package
// optest, and with a Memory an accelerator of engines: it shows, without a GPU, that what the compiler made of a kernel still
// gives the bytes of the reference.
//
// A warp executes in step, divergent lanes from the lowest address on; the warps of a block run one after another between
// barriers. An opcode outside of the reviewed list is an error, and so are an access outside of every buffer, a misaligned one,
// and a barrier or shuffle that not all threads reach. Shared memory is poisoned before each block.
package interpreter
