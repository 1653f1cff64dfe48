// Package verifytest is a pool to try the protocol on: an operator, a worker, a job, and claims that are honest,
// forged or answered falsely. Tests, the demonstration and the benchmarks make their claims here.
//
// Keys, data and models are fixed by their numbers, so that the same setting has the same roots in every run, on
// every processor. The package never judges: it knows what it forged, and whoever judges must find it.
package verifytest
