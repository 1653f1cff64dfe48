package shim_test

import (
	"strings"
	"testing"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

const faults = `
#include "drn1.cuh"
extern "C" __global__ void fault_write(float *x, int at) { x[at] = 1.0f; }
extern "C" __global__ void fault_read(float *x, int at) { x[0] = x[at]; }
extern "C" __global__ void fault_vector(float *x) { float4 v = ((float4 *)x)[0]; ((float4 *)x)[1] = v; }
extern "C" __global__ void fault_barrier(float *x) { if (threadIdx.x < 32) __syncthreads(); x[0] = 1.0f; }
extern "C" __global__ void fault_shuffle(float *x) { if (threadIdx.x & 1) x[0] = __shfl_xor_sync(0xffffffffu, x[0], 1); }
extern "C" __global__ void fault_shared(float *x) { __shared__ float s[1]; x[0] = s[0]; s[0] = 1.0f; }
`

func TestAKernelThatMisbehavesEndsTheHostWithAnErrorAndTheNextRunIsServed(t *testing.T) {
	p := with(t, compiled(t), "faults.cu", faults)
	x := launch.Arg{Kind: launch.Buffer}
	word := func(n int) launch.Arg { return launch.Arg{Kind: launch.Scalar, Word: uint32(n)} }
	for _, c := range []struct {
		name, kernel string
		args         []launch.Arg
		descending   bool
		want         string
	}{
		{"a write behind a buffer", "fault_write", []launch.Arg{x, word(9)}, false, "outside of every buffer"},
		{"a read behind a buffer", "fault_read", []launch.Arg{x, word(9)}, false, "outside of every buffer"},
		{"a write before a buffer", "fault_write", []launch.Arg{x, word(-1)}, true, "outside of every buffer"},
		{"a read before a buffer", "fault_read", []launch.Arg{x, word(-1)}, true, "outside of every buffer"},
		{"a misaligned vector", "fault_vector", []launch.Arg{x}, false, "misaligned"},
		{"a barrier of a part of a block", "fault_barrier", []launch.Arg{x}, false, "32 of the 64 threads of a block"},
		{"a shuffle of a part of a warp", "fault_shuffle", []launch.Arg{x}, false, "16 of the 32 threads of a warp"},
		{"a kernel that does not exist", "fault_name", []launch.Arg{x}, false, "no kernel is called fault_name"},
		{"an argument too few", "fault_write", []launch.Arg{x}, false, "1 arguments, 2 needed"},
		{"a scalar for a pointer", "fault_vector", []launch.Arg{word(1)}, false, "of another kind"},
		{"an address behind a buffer", "fault_vector", []launch.Arg{{Kind: launch.Buffer, Offset: 10}}, false, "behind its buffer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := started(t, p, c.descending)
			plan := launch.Plan{Launches: []launch.Launch{
				{Kernel: c.kernel, Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{64, 1, 1}, Args: c.args},
			}}
			err := s.Execute(plan, []kernels.Buf{{F: make([]float32, 9)}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			y := kernels.Buf{F: []float32{1}}
			if err := s.Run(kernels.Zero{N: 1}, []kernels.Buf{y}); err != nil || y.F[0] != 0 {
				t.Errorf("the next run gives %v: %v", y.F, err)
			}
		})
	}
}

func TestSharedMemoryIsPoisonedBeforeEachBlock(t *testing.T) {
	s := started(t, with(t, compiled(t), "faults.cu", faults), false)
	x := kernels.Buf{F: []float32{0}}
	l := launch.Launch{Kernel: "fault_shared", Grid: [3]uint32{2, 1, 1}, Block: [3]uint32{1, 1, 1}, Args: []launch.Arg{{}}}
	if err := s.Execute(launch.Plan{Launches: []launch.Launch{l}}, []kernels.Buf{x}); err != nil {
		t.Fatal(err)
	}
	if x.F[0] == x.F[0] {
		t.Errorf("the second block read %v from shared memory that it had not written", x.F[0])
	}
}
