//go:build cgo && linux && gpu

package cgo_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
	"github.com/verifyd/verifyd/verify/engine/enginetest"
)

// What ruins a device for its process happens in a process of its own, which is this test binary once more.

// part names, in the environment of such a process, what it does.
const part = "VERIFYD_GPU_PART"

// parts are what such a process can do.
var parts = map[string]func(*testing.T){"train": trainAlone, "out of bounds": writeOutOfBounds, "hang": hang}

func TestGPUPart(t *testing.T) {
	do, ok := parts[os.Getenv(part)]
	if !ok {
		t.Skip("is run by other tests, in a process of its own")
	}
	do(t)
}

// process is a part that runs.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	name   string
	output bytes.Buffer
}

func start(t *testing.T, name string) *process {
	t.Helper()
	p := &process{t: t, name: name}
	p.cmd = exec.CommandContext(t.Context(), must(os.Executable())(t), "-test.run=^TestGPUPart$", "-test.timeout=5m",
		fmt.Sprintf("-gpu=%d", *ordinal), "-libcuda="+*library, fmt.Sprintf("-steps=%d", *gpuSteps))
	p.cmd.Env = append(os.Environ(), part+"="+name)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.WaitDelay = 10 * time.Second
	check(t, p.cmd.Start())
	return p
}

// wait expects the part to succeed.
func (p *process) wait() {
	p.t.Helper()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("the process for %q: %v\n%s", p.name, err, p.output.String())
	}
}

// stillWorks trains in this process after another one has ruined the device for itself.
func stillWorks(t *testing.T) {
	t.Helper()
	sideBySide(t, trainer(t, gpu(t)), 10)
}

func TestAKernelThatWritesOutOfBoundsEndsItsProcessOnlyOnAGPU(t *testing.T) {
	start(t, "out of bounds").wait()
	stillWorks(t)
}

func TestAKernelThatHangsEndsItsProcessOnlyOnAGPU(t *testing.T) {
	start(t, "hang").wait()
	stillWorks(t)
}

// trainAlone runs the large trainings.
func trainAlone(t *testing.T) {
	enginetest.TestLarge(t, trainer(t, gpu(t)), min(*gpuSteps, 50))
}

// writeOutOfBounds launches a kernel of DRN-1 on 4 GiB where 1 MiB is: the device must say that its context
// is poisoned, at once and from then on.
func writeOutOfBounds(t *testing.T) {
	g := openGPU(t, time.Minute)
	d := trainer(t, g)
	const words = 1 << 18
	a := must(cgo.NewAccelerator(background, g, d.kernels, words, gpuLimit))(t)
	other := must(cgo.NewAccelerator(background, g, d.kernels, words, gpuLimit))(t)
	sound := must(other.Record(background, squares(t, 1000)))(t)
	r := launch.Routine{Calls: []launch.Planned{{
		Plan: must(launch.For(kernels.Zero{N: 1 << 30}))(t), Operands: []kernels.Range{{Offset: 0, Words: words}},
	}}}
	routine := must(a.Record(background, r))(t)
	err := a.Run(background, routine, nil, nil)
	var e *cgo.Error
	if !errors.Is(err, cgo.ErrSticky) || !errors.As(err, &e) || e.Code == 0 {
		t.Errorf("run: %v", err)
	}
	_, start := cgo.NewAccelerator(background, g, d.kernels, words, gpuLimit)
	for name, err := range map[string]error{
		"fault": g.Fault(), "another": start, "read": a.Read(background, make([]uint32, 1), 0),
		"beside": other.Run(background, sound, make([]uint32, 1000), make([]uint32, 1)),
		"close":  a.Close(background), "device": g.Close(background),
	} {
		if !errors.Is(err, cgo.ErrSticky) && !errors.Is(err, cgo.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// spinPTX waits for a word that nobody sets.
const spinPTX = `.version 6.4
.target sm_70
.address_size 64
.visible .entry spin(.param .u64 word)
{
	.reg .pred %p;
	.reg .b32 %r;
	.reg .b64 %a;
	ld.param.u64 %a, [word];
	cvta.to.global.u64 %a, %a;
again:
	ld.volatile.global.u32 %r, [%a];
	setp.eq.s32 %p, %r, 0;
	@%p bra again;
	ret;
}
`

// hang launches a kernel that never ends: the watchdog must find it, and the device must count as lost.
func hang(t *testing.T) {
	openGPU(t, time.Minute) // makes the context, which may take seconds; the device below shares it
	g := openGPU(t, 5*time.Second)
	d := trainer(t, g)
	a := must(cgo.NewAccelerator(background, g, d.kernels, 3000, gpuLimit))(t)
	routine := must(a.Record(background, squares(t, 1000)))(t)
	kernel := must(must(g.Load(background, "spin", []byte(spinPTX)))(t).Kernel("spin"))(t)
	s := must(g.NewStream())(t)
	word := must(g.NewPool(s, 1<<20).Alloc(background, 4))(t)
	check(t, s.Fill(background, word, 0))
	one := [3]uint32{1, 1, 1}
	check(t, s.Launch(background, cgo.Launch{Kernel: kernel, Grid: one, Block: one, Args: []cgo.Arg{word.Arg()}}))
	if err := s.Wait(background); !errors.Is(err, cgo.ErrTimeout) || !errors.Is(err, cgo.ErrLost) {
		t.Errorf("wait: %v", err)
	}
	for name, err := range map[string]error{
		"fault": g.Fault(), "beside": a.Run(background, routine, make([]uint32, 1000), make([]uint32, 1)), "device": g.Close(background),
	} {
		if !errors.Is(err, cgo.ErrLost) && !errors.Is(err, cgo.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
