// Package launch says which kernels of kernels/*.cu compute an operator, on which grids and with
// which arguments. It is the one place that knows, for every executor of the kernels: the shim
// under g++, the PTX interpreter and the driver of a GPU. Calls does so for a list of operators, of which a
// product takes the bias and the activation behind it along.
//
// A plan depends on the operator's shape alone, never on the device: contract.md section 1.5. The
// package starts nothing and holds no memory.
package launch
