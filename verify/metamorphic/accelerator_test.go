package metamorphic

import (
	"testing"

	"github.com/verifyd/verifyd/kernels/kernelstest"
	"github.com/verifyd/verifyd/verify/engine"
)

// asPTX is the shipped PTX in the interpreter.
func asPTX(t testing.TB) engine.Device {
	t.Helper()
	h := kernelstest.Interpreter(t)
	return engine.NewDevice(h.Name(), h.Name(), h.Memory)
}
