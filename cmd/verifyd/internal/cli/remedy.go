package cli

import (
	"errors"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/verify/engine"
)

// remedies say what an operator does about an error of a GPU, by its class.
// Where an error is of several, the first counts.
var remedies = []struct {
	class error
	text  string
}{
	{cgo.ErrNoDriver, "nvidia-smi must work where verifyd runs: install NVIDIA's driver; a container needs --gpus all and its libcuda"},
	{cgo.ErrOldDriver, "update NVIDIA's driver to R470 or newer, and restart so that all its parts are of one version"},
	{cgo.ErrNoDevice, "nvidia-smi -L lists the GPUs, and CUDA_VISIBLE_DEVICES hides some of them"},
	{cgo.ErrUnavailable, "nvidia-smi shows who uses the GPU and its compute mode, which must be Default"},
	{cgo.ErrUnsupported, "a GPU must have compute capability 7.0 or newer (Volta, 2017)"},
	{cgo.ErrOutOfMemory, "nvidia-smi shows who holds the GPU's memory; several claims at once need less with --parallel 1"},
	{cgo.ErrBadModule, "update NVIDIA's driver: it cannot compile the kernels that this verifyd carries"},
	{cgo.ErrECC, "its memory is broken: take it out of service, and see nvidia-smi -q -d ECC,ROW_REMAPPER"},
	{cgo.ErrTimeout, "if another program kept it busy, try again; else see dmesg for an Xid, and reset it with nvidia-smi -r"},
	{cgo.ErrLost, "see dmesg for an Xid of the NVIDIA driver, and reset it with nvidia-smi -r or restart the machine"},
	{cgo.ErrSticky, "see dmesg for an Xid of the NVIDIA driver; if it comes again, reset the GPU with nvidia-smi -r"},
}

// explainGPU adds to an error of a GPU what to do about it.
func explainGPU(err error) error {
	const otherwise = "--device cpu computes the same bits without it"
	for _, r := range remedies {
		if errors.Is(err, r.class) {
			return hint(err, "%s; %s", r.text, otherwise)
		}
	}
	if errors.Is(err, engine.ErrDevice) {
		return hint(err, otherwise)
	}
	return err
}
