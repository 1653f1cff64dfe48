//go:build cgo && linux

package cgo_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/verifyd/verifyd/cgo"
)

// fake is the driver of testdata/driver.c, with its own state.
type fake struct {
	t   *testing.T
	dir string
	run int
}

// built is the compiled fake, once for all tests.
var built = sync.OnceValues(func() ([]byte, error) {
	return compile("cc", func(string) ([]string, error) { return []string{"-Wall", "testdata/driver.c"}, nil })
})

// compile makes a shared library of what sources names; it may write further sources to dir.
func compile(compiler string, sources func(dir string) ([]string, error)) ([]byte, error) {
	dir, err := os.MkdirTemp("", "driver")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	args, err := sources(dir)
	if err != nil {
		return nil, err
	}
	so := filepath.Join(dir, "driver.so")
	args = append([]string{"-shared", "-fPIC", "-O1", "-I.", "-o", so}, args...)
	if out, err := exec.Command(compiler, append(args, "-ldl", "-lpthread")...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	return os.ReadFile(so)
}

// newFake puts a driver into a folder of its own.
func newFake(t *testing.T) *fake {
	t.Helper()
	return place(t, "cc", built)
}

// place puts a driver that compiler builds into a folder of its own.
func place(t *testing.T, compiler string, build func() ([]byte, error)) *fake {
	t.Helper()
	if _, err := exec.LookPath(compiler); err != nil && os.Getenv("VERIFYD_CI") == "" {
		t.Skipf("needs %s", compiler)
	}
	so, err := build()
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{t: t, dir: t.TempDir()}
	if err := os.WriteFile(f.library(), so, 0o755); err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *fake) library() string { return filepath.Join(f.dir, "driver.so") }

func (f *fake) options() cgo.Options {
	return cgo.Options{Library: f.library(), NVML: f.library(), Watchdog: 20 * time.Second}
}

// control starts a new run: the calls are counted anew and the log is empty.
func (f *fake) control(lines ...string) {
	f.t.Helper()
	f.run++
	f.write("log", "")
	f.also(lines...)
}

// also changes what control says within the run.
func (f *fake) also(lines ...string) {
	f.t.Helper()
	f.write("control", fmt.Sprintf("run %d\n%s\n", f.run, strings.Join(lines, "\n")))
}

func (f *fake) write(name, text string) {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		f.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		f.t.Fatal(err)
	}
}

func (f *fake) log() []string {
	f.t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, "log"))
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

// calls lists the driver's functions in the order of their calls.
func (f *fake) calls() []string {
	var calls []string
	for _, line := range f.log() {
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
	for _, line := range f.log() {
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
	for _, line := range f.log() {
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
