// SPDX-License-Identifier: GPL-3.0-or-later

// Package toolkit stands in for NVIDIA's CUDA toolkit when mumax3 is built and started. mumax3
// includes <cuda.h> and <cufft.h> and links with -lcuda and -lcufft: the headers are in include/, and
// lib/ has empty libraries of those names, because this package brings their functions along. Those of
// libcuda pass calls on to the driver that Load opens, so the program needs nothing but a driver to
// run and says so where there is none.
//
// build.sh sets the compiler's paths; without them, packages that import mumax3 do not compile.
package toolkit

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// int toolkit_load(const char *path, char *why, size_t len);
import "C"

import (
	"fmt"
	"unsafe"
)

// Load opens a libcuda, such as "libcuda.so.1", for mumax3. It is called once, before mumax3's Init.
func Load(path string) error {
	p := C.CString(path)
	defer C.free(unsafe.Pointer(p))
	var why [512]C.char
	if C.toolkit_load(p, &why[0], C.size_t(len(why))) != 0 {
		return fmt.Errorf("mumax3's driver: %s", C.GoString(&why[0]))
	}
	return nil
}
