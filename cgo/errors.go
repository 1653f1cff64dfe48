package cgo

import (
	"errors"
	"fmt"
)

// The classes of errors. Each error of this package is one of them by errors.Is; some are two, such
// as an uncorrectable memory error (ErrECC), which poisons its context too (ErrSticky).
var (
	ErrNoDriver    = errors.New("no NVIDIA driver")                // libcuda or NVML is not there: use the CPU
	ErrOldDriver   = errors.New("the NVIDIA driver is too old")    // libcuda lacks something: update the driver
	ErrNoDevice    = errors.New("no such GPU")                     // none at all, or not that ordinal
	ErrUnavailable = errors.New("the GPU is not available")        // taken exclusively, not ready, driver mismatch
	ErrUnsupported = errors.New("the GPU does not support this")   // capability too low, feature missing
	ErrOutOfMemory = errors.New("out of memory")                   // the device's, the host's or a pool's limit
	ErrBadModule   = errors.New("the driver refuses the PTX")      // corrupt, or for another architecture
	ErrInvalid     = errors.New("invalid use of the driver")       // a wrong argument, a handle, a capture
	ErrSticky      = errors.New("the GPU's context is poisoned")   // only the end of the process helps
	ErrECC         = errors.New("uncorrectable memory error")      // broken hardware: distrust the results before
	ErrTimeout     = errors.New("the GPU did not answer in time")  // the watchdog fired; the device is lost
	ErrLost        = errors.New("the GPU is lost to this process") // after ErrTimeout, or fallen off the bus
	ErrClosed      = errors.New("already closed")                  // the object or its device
	ErrDriver      = errors.New("the NVIDIA driver failed")        // any other code of the driver
)

// Error is a failed call of libcuda or NVML.
type Error struct {
	Call   string  // the driver's function, such as "cuMemAlloc_v2"
	Code   int     // what it returned; 0 where the failure is this package's own finding
	Name   string  // the driver's name of the code, such as "CUDA_ERROR_OUT_OF_MEMORY"
	Detail string  // the driver's description, or what to do
	Class  []error // the classes above, the principal one first
}

// Error puts the class first, because an operator acts on it, and the call last.
func (e *Error) Error() string {
	text := e.Class[0].Error()
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	switch {
	case e.Name != "":
		text += fmt.Sprintf(" (%s: %s, %d)", e.Call, e.Name, e.Code)
	case e.Code != 0:
		text += fmt.Sprintf(" (%s: %d)", e.Call, e.Code)
	case e.Call != "":
		text += fmt.Sprintf(" (%s)", e.Call)
	}
	return text
}

// Unwrap returns the classes.
func (e *Error) Unwrap() []error { return e.Class }

// fail is an error that this package finds before or after a call.
func fail(class error, call, format string, args ...any) *Error {
	return &Error{Call: call, Detail: fmt.Sprintf(format, args...), Class: []error{class}}
}

// join is errors.Join, except on a device with a fault, where whatever is released fails for one reason: there the
// first error speaks for all.
func join(fault error, failures ...error) error {
	if fault != nil {
		for _, err := range failures {
			if err != nil {
				return err
			}
		}
	}
	return errors.Join(failures...)
}

// cudaClass maps the codes of libcuda (CUresult in the driver API's reference) to their classes.
func cudaClass(code int) []error {
	switch code {
	case 2: // OUT_OF_MEMORY
		return []error{ErrOutOfMemory}
	case 34: // STUB_LIBRARY: the toolkit's stub instead of a driver
		return []error{ErrNoDriver}
	case 35, 36, 222, 803, 804: // INSUFFICIENT_DRIVER, CALL_REQUIRES_NEWER_DRIVER, UNSUPPORTED_PTX_VERSION, mismatch of driver parts
		return []error{ErrOldDriver}
	case 46, 102, 216, 802, 805: // DEVICE_UNAVAILABLE, NOT_LICENSED, CONTEXT_ALREADY_IN_USE, SYSTEM_NOT_READY, MPS
		return []error{ErrUnavailable}
	case 100, 101: // NO_DEVICE, INVALID_DEVICE
		return []error{ErrNoDevice}
	case 200, 209, 218, 221, 223, 300: // INVALID_IMAGE, NO_BINARY_FOR_GPU, INVALID_PTX, JIT compiler missing or disabled, INVALID_SOURCE
		return []error{ErrBadModule}
	case 214: // ECC_UNCORRECTABLE
		return []error{ErrECC, ErrSticky}
	case 220, 226: // NVLINK_UNCORRECTABLE, CONTAINED
		return []error{ErrSticky}
	case 700, 710, 714, 715, 716, 717, 718, 719, 721: // illegal address, assert, stack, instruction, alignment, launch failed
		return []error{ErrSticky}
	case 702: // LAUNCH_TIMEOUT: the display's watchdog ended the kernel
		return []error{ErrTimeout, ErrSticky}
	case 4, 709: // DEINITIALIZED, CONTEXT_IS_DESTROYED
		return []error{ErrLost, ErrSticky}
	case 215, 720, 801: // UNSUPPORTED_LIMIT, COOPERATIVE_LAUNCH_TOO_LARGE, NOT_SUPPORTED
		return []error{ErrUnsupported}
	case 701: // LAUNCH_OUT_OF_RESOURCES
		return []error{ErrUnsupported}
	case 1, 3, 201, 400, 401, 500, 800: // INVALID_VALUE, NOT_INITIALIZED, INVALID_CONTEXT, INVALID_HANDLE, ILLEGAL_STATE, NOT_FOUND, NOT_PERMITTED
		return []error{ErrInvalid}
	}
	if code >= 900 && code <= 911 { // STREAM_CAPTURE_*, GRAPH_EXEC_UPDATE_FAILURE
		return []error{ErrInvalid}
	}
	return []error{ErrDriver}
}

// nvmlClass maps the codes of NVML (nvmlReturn_t) to their classes.
func nvmlClass(code int) []error {
	switch code {
	case 1, 2, 7: // UNINITIALIZED, INVALID_ARGUMENT, INSUFFICIENT_SIZE
		return []error{ErrInvalid}
	case 3: // NOT_SUPPORTED
		return []error{ErrUnsupported}
	case 4, 19: // NO_PERMISSION, IN_USE
		return []error{ErrUnavailable}
	case 6: // NOT_FOUND
		return []error{ErrNoDevice}
	case 9, 12: // DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND
		return []error{ErrNoDriver}
	case 13, 18: // FUNCTION_NOT_FOUND, LIB_RM_VERSION_MISMATCH
		return []error{ErrOldDriver}
	case 15, 16: // GPU_IS_LOST, RESET_REQUIRED
		return []error{ErrLost}
	case 20: // MEMORY
		return []error{ErrOutOfMemory}
	}
	return []error{ErrDriver}
}
