//go:build !amd64 && !arm64

package kernels

func native() []ISA { return nil }

func accelerate(*vector) {}
