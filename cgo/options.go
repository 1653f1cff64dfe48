package cgo

import "time"

// Options say which libraries to load and how long to wait. The zero value is right for a machine
// with an ordinary driver.
type Options struct {
	Library  string        // libcuda; "" is libcuda.so.1 as the dynamic linker finds it
	NVML     string        // NVML; "" is libnvidia-ml.so.1
	Watchdog time.Duration // no single wait for the device is longer; 0 is two minutes
}

func (o Options) withDefaults() Options {
	if o.Library == "" {
		o.Library = "libcuda.so.1"
	}
	if o.NVML == "" {
		o.NVML = "libnvidia-ml.so.1"
	}
	if o.Watchdog <= 0 {
		o.Watchdog = 2 * time.Minute
	}
	return o
}

// Info describes a device.
type Info struct {
	Ordinal      int
	Name         string // such as "NVIDIA H100 80GB HBM3"
	UUID         string // "GPU-" and 36 characters, as nvidia-smi shows it
	PCI          string // bus address, such as "0000:1b:00.0"
	Memory       uint64 // bytes
	Major, Minor int    // compute capability
	SMs          int    // multiprocessors
	Shared       int    // bytes of shared memory that a block may ask for
	ECC          bool   // whether memory errors are corrected
	Driver       int    // newest CUDA version of the driver: 1000*major + 10*minor, such as 12040
}

// The oldest driver and device that DRN-1 runs on: CUDA 11.4 (R470), and Volta, the first with
// independent thread scheduling.
const (
	MinDriver     = 11040
	MinCapability = 70 // 10*major + minor
)

// Health is what NVML knows about a device. ECC counts are those since the driver was loaded.
type Health struct {
	Temperature int    // degrees Celsius
	ECC         bool   // whether ECC is on; without it the counts are zero
	Corrected   uint64 // memory errors that ECC repaired
	Uncorrected uint64 // memory errors that it could not repair
	RowsPending bool   // a broken row waits for a reset to be replaced
	RowsFailed  bool   // a broken row could not be replaced
}

// Xid is the number of a critical error of the driver (NVIDIA, "Xid Errors").
type Xid uint64

// Application says that a faulty program can have caused x: the device is as good as before.
func (x Xid) Application() bool {
	switch x {
	case 13, 31, 43, 45, 68, 69: // engine exception, page fault, stopped, preemptive cleanup, video
		return true
	}
	return false
}
