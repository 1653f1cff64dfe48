// Package cgotest makes a libcuda and an NVML without a GPU: the driver of ../testdata/driver.c, whose device memory is the
// host's, which obeys a file beside it and logs what it is asked. Its kernels compute nothing, or are those of
// kernels/*.cu under g++.
//
//	d := cgotest.New(t)
//	d.Control("fail cuEventQuery 3 700")
//	driver, err := cgo.Open(ctx, cgo.Options{Library: d.Library(), NVML: d.Library()})
//
// It never reaches a binary: only tests import it.
package cgotest
