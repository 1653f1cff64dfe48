package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/verify/engine"
)

func TestAnErrorOfAGPUSaysWhatToDo(t *testing.T) {
	for class, want := range map[error]string{
		cgo.ErrNoDriver: "install", cgo.ErrOldDriver: "update", cgo.ErrNoDevice: "nvidia-smi -L", cgo.ErrUnavailable: "compute mode",
		cgo.ErrUnsupported: "7.0", cgo.ErrOutOfMemory: "memory", cgo.ErrBadModule: "update", cgo.ErrSticky: "Xid", cgo.ErrECC: "out of service",
		cgo.ErrTimeout: "Xid", cgo.ErrLost: "Xid", engine.ErrDevice: "--device cpu",
	} {
		err := explainGPU(fmt.Errorf("step 3: %w", class))
		var h *hinted
		if !errors.As(err, &h) || !strings.Contains(h.hint, want) || !strings.Contains(h.hint, "--device cpu computes the same bits") {
			t.Errorf("%v: %+v", err, h)
		}
	}
	if err := errors.New("disk full"); explainGPU(err) != err {
		t.Error("a full disk is blamed on the GPU")
	}
}
