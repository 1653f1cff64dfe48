//go:build cgo && linux

package cgo

// #cgo LDFLAGS: -ldl
// #include <stdlib.h>
// #include "library.h"
import "C"

import (
	"context"
	"fmt"
	"runtime"
	"unsafe"

	"github.com/verifyd/verifyd/kernels"
)

// Driver is a loaded libcuda. It stays loaded until the process ends: libcuda does not survive being
// unloaded. Its methods may be called from any goroutine.
type Driver struct {
	api     C.struct_cuda
	opts    Options
	version int
}

// Open loads libcuda and starts it. ErrNoDriver means that the CPU has to serve, ErrOldDriver that
// there is a driver to update. The rounding of the thread is checked afterwards.
func Open(ctx context.Context, opts Options) (*Driver, error) {
	opts = opts.withDefaults()
	return bounded(ctx, opts.Watchdog, "cuInit", func() (*Driver, error) { return open(opts) }, nil)
}

func open(opts Options) (*Driver, error) {
	d := &Driver{opts: opts}
	runtime.LockOSThread() // the check has to see the thread that loaded
	defer runtime.UnlockOSThread()
	path := C.CString(d.opts.Library)
	defer C.free(unsafe.Pointer(path))
	var why [512]C.char
	switch C.verifyd_load_cuda(path, &d.api, &why[0], C.size_t(len(why))) {
	case C.LIBRARY_MISSING:
		return nil, fail(ErrNoDriver, "dlopen", "%s", C.GoString(&why[0]))
	case C.LIBRARY_INCOMPLETE:
		return nil, fail(ErrOldDriver, "dlsym", "%s: %s", d.opts.Library, C.GoString(&why[0]))
	}
	if err := d.check("cuInit", C.verifyd_cuInit(&d.api, nil, 0)); err != nil {
		return nil, err
	}
	var v C.int
	if err := d.check("cuDriverGetVersion", C.verifyd_cuDriverGetVersion(&d.api, nil, &v)); err != nil {
		return nil, err
	}
	if d.version = int(v); d.version < MinDriver {
		return nil, fail(ErrOldDriver, "cuDriverGetVersion", "it serves CUDA %s, verifyd needs %s (R470 or newer)",
			versionText(d.version), versionText(MinDriver))
	}
	if err := kernels.CheckRounding(); err != nil {
		return nil, fmt.Errorf("after loading %s: %w", d.opts.Library, err)
	}
	return d, nil
}

// Version is the newest CUDA version that the driver serves: 1000*major + 10*minor.
func (d *Driver) Version() int { return d.version }

// check turns a result of libcuda into an error with its class and the driver's own words.
func (d *Driver) check(call string, code C.int) error {
	if code == 0 {
		return nil
	}
	e := &Error{Call: call, Code: int(code), Class: cudaClass(int(code))}
	var text *C.char
	if C.verifyd_cuGetErrorName(&d.api, nil, code, &text) == 0 && text != nil {
		e.Name = C.GoString(text)
	}
	text = nil
	if C.verifyd_cuGetErrorString(&d.api, nil, code, &text) == 0 && text != nil {
		e.Detail = C.GoString(text)
	}
	return e
}

// The attributes of devices in use (CUdevice_attribute).
const (
	attributeSMs    = 16
	attributeECC    = 32
	attributeMajor  = 75
	attributeMinor  = 76
	attributeShared = 97 // MAX_SHARED_MEMORY_PER_BLOCK_OPTIN
)

// Devices lists the devices of the machine that CUDA_VISIBLE_DEVICES lets through. None at all is
// ErrNoDevice.
func (d *Driver) Devices(ctx context.Context) ([]Info, error) {
	return bounded(ctx, d.opts.Watchdog, "cuDeviceGetCount", d.list, nil)
}

func (d *Driver) list() ([]Info, error) {
	var n C.int
	if err := d.check("cuDeviceGetCount", C.verifyd_cuDeviceGetCount(&d.api, nil, &n)); err != nil {
		return nil, err
	}
	if n <= 0 {
		return nil, fail(ErrNoDevice, "cuDeviceGetCount", "the driver sees none")
	}
	devices := make([]Info, n)
	for i := range devices {
		var err error
		if _, devices[i], err = d.describe(i); err != nil {
			return nil, fmt.Errorf("device %d: %w", i, err)
		}
	}
	return devices, nil
}

// describe asks for all that Info says, and for the driver's handle of the device.
func (d *Driver) describe(ordinal int) (C.int, Info, error) {
	info := Info{Ordinal: ordinal, Driver: d.version}
	var dev C.int
	if err := d.check("cuDeviceGet", C.verifyd_cuDeviceGet(&d.api, nil, &dev, C.int(ordinal))); err != nil {
		return 0, info, err
	}
	var name [256]C.char
	if err := d.check("cuDeviceGetName", C.verifyd_cuDeviceGetName(&d.api, nil, &name[0], C.int(len(name)), dev)); err != nil {
		return 0, info, err
	}
	info.Name = C.GoString(&name[0])
	var id C.CUuuid
	if err := d.check("cuDeviceGetUuid_v2", C.verifyd_cuDeviceGetUuid_v2(&d.api, nil, &id, dev)); err != nil {
		return 0, info, err
	}
	info.UUID = uuidText(C.GoBytes(unsafe.Pointer(&id), C.int(unsafe.Sizeof(id))))
	var pci [32]C.char
	if err := d.check("cuDeviceGetPCIBusId", C.verifyd_cuDeviceGetPCIBusId(&d.api, nil, &pci[0], C.int(len(pci)), dev)); err != nil {
		return 0, info, err
	}
	info.PCI = C.GoString(&pci[0])
	var bytes C.size_t
	if err := d.check("cuDeviceTotalMem_v2", C.verifyd_cuDeviceTotalMem_v2(&d.api, nil, &bytes, dev)); err != nil {
		return 0, info, err
	}
	info.Memory = uint64(bytes)
	ecc := 0
	for _, a := range []struct {
		attribute C.int
		to        *int
	}{{attributeMajor, &info.Major}, {attributeMinor, &info.Minor}, {attributeSMs, &info.SMs}, {attributeShared, &info.Shared}, {attributeECC, &ecc}} {
		var v C.int
		if err := d.check("cuDeviceGetAttribute", C.verifyd_cuDeviceGetAttribute(&d.api, nil, &v, a.attribute, dev)); err != nil {
			return 0, info, err
		}
		*a.to = int(v)
	}
	info.ECC = ecc != 0
	return dev, info, nil
}

func versionText(v int) string { return fmt.Sprintf("%d.%d", v/1000, v%1000/10) }

func uuidText(b []byte) string {
	return fmt.Sprintf("GPU-%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
