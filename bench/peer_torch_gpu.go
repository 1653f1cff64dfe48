package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

//go:embed peers/torch_gpu.py
var torchGPUSource []byte

// startTorchGPU starts peers/torch_gpu.py on a GPU. The Python on the path comes before the system's here: a PyTorch
// with CUDA is seldom the distribution's.
func startTorchGPU(ctx context.Context, dir string, ordinal int) (*Peer, error) {
	if err := writeTorch(dir); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "torch_gpu.py"), torchGPUSource, 0o644); err != nil {
		return nil, err
	}
	// cuBLAS is deterministic only with a workspace of a fixed size (its documentation, Results reproducibility).
	environment := []string{"CUBLAS_WORKSPACE_CONFIG=:4096:8"}
	var failures []error
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		p, err := startPeer(ctx, environment, python, filepath.Join(dir, "torch_gpu.py"), fmt.Sprint(ordinal))
		if err != nil {
			failures = append(failures, err)
			continue
		}
		message, failed := strings.CutPrefix(p.Version, "error ")
		if !failed {
			return p, nil
		}
		failures = append(failures, fmt.Errorf("%s: %s", python, message))
		p.Close() // it ended with its message
	}
	return nil, fmt.Errorf("%w: %w", ErrNoPeer, errors.Join(failures...))
}

// TimeDevice asks for a timed run; the peer answers with the host's and the device's nanoseconds for one unit of work.
func (p *Peer) TimeDevice(command string) (Sample, error) {
	var wall, device int64
	if err := p.Ask(command, &wall, &device); err != nil {
		return Sample{}, err
	}
	return Sample{Wall: time.Duration(wall), Device: time.Duration(device)}, nil
}
