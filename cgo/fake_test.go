//go:build cgo && linux

package cgo_test

import (
	"context"
	"encoding/binary"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/cgo/cgotest"
)

// fake is a driver without a GPU.
type fake struct {
	*cgotest.Driver
	t *testing.T
}

// newFake is a driver whose kernels compute nothing.
func newFake(t *testing.T) *fake {
	t.Helper()
	return &fake{cgotest.New(t), t}
}

// computing is a driver with every kernel of kernels/*.cu.
func computing(t *testing.T) *fake {
	t.Helper()
	return &fake{cgotest.Place(t, cgotest.KernelCompiler, withKernels), t}
}

// withKernels is compiled once for all tests.
var withKernels = sync.OnceValues(func() ([]byte, error) { return cgotest.Computing() })

func (f *fake) options() cgo.Options {
	return cgo.Options{Library: f.Library(), NVML: f.Library(), Watchdog: 20 * time.Second}
}

// calls lists the driver's functions in the order of their calls.
func (f *fake) calls() []string {
	var calls []string
	for _, line := range f.Log() {
		if name, ok := strings.CutPrefix(line, "call "); ok {
			calls = append(calls, name)
		}
	}
	return calls
}

// alive is how many of each kind were made in this run and not released.
func (f *fake) alive() map[string]int {
	f.t.Helper()
	n := map[string]int{}
	for _, line := range f.Log() {
		switch {
		case strings.HasPrefix(line, "+"):
			n[line[1:]]++
		case strings.HasPrefix(line, "-"), strings.HasPrefix(line, "~"):
			n[line[1:]]--
		}
	}
	return n
}

// requireNoLeak fails the test unless all that was made was released, by us and not with its context,
// and nothing was done that a driver would not survive.
func (f *fake) requireNoLeak() {
	f.t.Helper()
	for _, line := range f.Log() {
		if strings.HasPrefix(line, "~") || strings.HasPrefix(line, "bad") {
			f.t.Errorf("the driver saw %q", line)
		}
	}
	for kind, n := range f.alive() {
		if n != 0 {
			f.t.Errorf("%d of %s are left", n, kind)
		}
	}
}

// open opens the fake's only device.
func (f *fake) open(opts cgo.Options) *cgo.Device {
	f.t.Helper()
	driver, err := cgo.Open(background, opts)
	if err != nil {
		f.t.Fatal(err)
	}
	device, err := driver.OpenDevice(context.Background(), 0)
	if err != nil {
		f.t.Fatal(err)
	}
	return device
}

// fakePTX is what the fake takes for a module with the kernels that it knows.
const fakePTX = ".version 6.4\n.entry copy_words()\n.entry write_scalars()\n.entry increment()\n.entry trap()\n"

// words are the bytes of x as they lie in memory.
func words(x []float32) []byte {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}
