package device

import (
	"fmt"

	"github.com/verifyd/verifyd/cmd/verifyd/internal/device/gpu"
)

// The names that stand for no single device. The name of a GPU is cuda:N, with the N of nvidia-smi -L.
const (
	Auto = "auto" // the first GPU that can be used, else the processor
	CPU  = "cpu"  // the processor, which needs nothing
)

// CheckName refuses what is no name of a device. It looks at no hardware.
func CheckName(name string) error {
	if name == CPU {
		return nil
	}
	if _, err := gpu.ParseName(name); err != nil {
		return fmt.Errorf("%.40q: want auto, cpu, or cuda:N with the N of nvidia-smi -L", name)
	}
	return nil
}

// UnusableError is about a GPU that was asked for by its name and cannot be used.
type UnusableError struct {
	Name string
	Err  error // of the classes of package cgo
}

func (e *UnusableError) Error() string { return fmt.Sprintf("%s: %v", e.Name, e.Err) }

// Unwrap returns why.
func (e *UnusableError) Unwrap() error { return e.Err }
