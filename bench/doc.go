// Package bench measures verifyd beside its peers: OpenBLAS for matrix products and PyTorch for training
// steps, both on the CPU; pyDVL, OpenDataVal and dattri for valuations; and on a GPU beside PyTorch, whose matrix
// products are cuBLAS's.
//
// The contenders of a row run in alternation in one session, so that a change in the machine's load
// falls on all of them, and a row reports medians, quartiles and the ratio of each round's pair. Peers are separate
// programs (see peers/) that are compiled or interpreted on the machine itself, time their own
// work and are checked to compute the same numbers before they are timed.
//
// On a machine that has other work to do, run cmd/bench with real-time priority (chrt -r 5 on Linux, as root): its
// peers inherit it, so the comparison stays fair, and the report says so.
//
// On a GPU (Options.Device) products and single operators are timed between events on the device, training steps by the
// host's clock. Beside each measure stands the floor that the device's data sheet sets, and what was
// foreseen before the first run: results/gpu-prediction.md has the reasons.
//
// Run writes nothing; cmd/bench writes the JSON and prints the table. Nothing here is imported by verifyd
// itself, and no test asserts a time.
package bench
