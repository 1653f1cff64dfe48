// Package oracle computes the gradients of a program a second time, in float64, through gorgonia.
//
// It is a second opinion on verify/program's differentiation and on the kernels: it walks the same graph
// but shares no code with the engine that trains and replays. Each operator is rebuilt from gorgonia's
// elementary operations (matrix products, elementwise functions, convolution, max pooling), which gorgonia
// differentiates; where rows are summed, selected or spread, the matrices that do it are products with
// constants. The optimizers' steps are written out in plain float64 beside it.
//
// It is slow and meant for tests on small programs. Its numbers are rounded as gorgonia and the machine
// please: they are compared within a tolerance, never hashed, and no part of verifyd that trains, replays
// or judges imports this package.
//
// Importing it links gorgonia, whose tensor package panics when a program starts unless
// go4.org/unsafe/assume-no-moving-gc is at v0.0.0-20231121144256-b99613f794b6; go.mod pins it and a test guards the pin.
package oracle
