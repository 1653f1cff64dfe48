package optest

import (
	"fmt"

	"github.com/verifyd/verifyd/kernels"
)

// Backend is a machine that runs operators, as the suite sees it.
type Backend interface {
	// Name identifies the backend in reports, such as "avx2 threads=8".
	Name() string
	// Supports says whether Run takes op. A backend may decline; it may not approximate.
	Supports(op kernels.Operator) bool
	// Run computes op on bufs, which satisfy kernels.Check, before it returns.
	Run(op kernels.Operator, bufs []kernels.Buf) error
}

// CPU is c as a Backend. It supports every operator in every profile.
func CPU(c *kernels.CPU) Backend { return cpu{c} }

type cpu struct{ *kernels.CPU }

func (c cpu) Name() string { return fmt.Sprintf("%v threads=%d", c.ISA(), c.Threads()) }

func (c cpu) Supports(op kernels.Operator) bool {
	p, product := kernels.ProfileOf(op)
	return !product || p.Check() == nil
}

// reference starts the backend that defines the expected bytes.
func reference() (*kernels.CPU, error) {
	return kernels.NewCPU(kernels.Options{ISA: kernels.Generic, Threads: 1})
}
