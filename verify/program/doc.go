// Package program is the model that a job fixes: a graph of a closed set of operators, a loss, an
// optimizer and a learning rate as a closed form of the step, with the machine that computes a step.
//
// A Program is built in code (MLP, CNN, GPT) or read from canonical JSON (Parse). Compile checks every
// shape, differentiates the graph in reverse and returns a Plan: lists of kernels operators on buffers
// whose places are assigned by liveness. A Tape is the step that a plan stands for: the numbered calls of
// verify/SPEC.md on one block of memory, wherever that is. A Machine is a tape in host memory; a Runner,
// such as kernels.CPU, computes its operators. A step allocates nothing.
//
// The bits of a step are those of DRN-1 and of the order in which this package calls its operators:
//
//   - Y = X W^T as Gemm, then BiasAdd; dW = dY^T X, dX = dY W; db = BiasGrad over
//     the batch, then over the positions of a sample.
//   - The gradient of a value with several uses is folded from the last use in graph order to the first.
//   - So is the gradient of a parameter that several nodes share, in each micro-batch.
//   - The gradient of a step is the left fold of those of its micro-batches, and the loss likewise;
//     the mean and the 1/accumulation are one constant in the gradient of the loss.
//   - Random numbers are Philox with key = seed, counter = step*accumulation + micro-batch and, as
//     operator number, the position of the node.
//   - Numbers that depend on the step (learning rate, bias corrections) are computed in binary64 with
//     every rounding written, and rounded to binary32 once.
//
// # To add an operator
//
//  1. Give package kernels the operator and its gradient, with their place in kernels/contract.md.
//  2. Write one page here: a struct whose fields are the attributes with their JSON names, and the four
//     methods of Op. infer refuses what does not fit; forward emits kernels operators on c.temp buffers;
//     backward emits those that fill n.grads (through emitGrads) and hands gradients to c.contribute.
//  3. Enter it in the table kinds; an activation, on their page, in activations instead.
//  4. Enter its calls in the table of verify/SPEC.md, section "Calls of a step".
//  5. Add a row to the table of the finite-difference test, and the node to verify/oracle if gorgonia
//     has it.
//
// The package never reads files, data or claims, never chooses a device, and holds no data of a step
// beyond its buffers.
package program
