//go:build cgo && linux

package cgo_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
)

var background = context.Background()

func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAMachineWithoutADriverIsToldApart(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "libcuda.so.1")
	if _, err := cgo.Open(background, cgo.Options{Library: missing}); !errors.Is(err, cgo.ErrNoDriver) || !strings.Contains(err.Error(), missing) {
		t.Errorf("libcuda: %v", err)
	}
	if _, err := cgo.OpenMonitor(background, cgo.Options{NVML: missing}); !errors.Is(err, cgo.ErrNoDriver) {
		t.Errorf("NVML: %v", err)
	}
	if err := os.WriteFile(missing, []byte("no library"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := cgo.Open(background, cgo.Options{Library: missing}); !errors.Is(err, cgo.ErrNoDriver) {
		t.Errorf("a file that is no library: %v", err)
	}
}

func TestAMachineThatCannotServeIsRefusedWithItsClass(t *testing.T) {
	f := newFake(t)
	for _, c := range []struct {
		control string
		class   error
		says    string
	}{
		{"version 11030", cgo.ErrOldDriver, "CUDA 11.3"},
		{"devices 0", cgo.ErrNoDevice, "none"},
		{"capability 61", cgo.ErrUnsupported, "6.1"},
		{"fail cuInit 0 100", cgo.ErrNoDevice, "cuInit"},
		{"fail cuInit 0 34", cgo.ErrNoDriver, "cuInit"},
		{"fail cuInit 0 803", cgo.ErrOldDriver, "cuInit"},
		{"fail cuInit 0 802", cgo.ErrUnavailable, "cuInit"},
		{"fail cuDevicePrimaryCtxRetain 0 46", cgo.ErrUnavailable, "cuDevicePrimaryCtxRetain"},
		{"fail cuDevicePrimaryCtxRetain 0 2", cgo.ErrOutOfMemory, "CUDA_ERROR_OUT_OF_MEMORY"},
	} {
		f.Control(c.control)
		err := func() error {
			driver, err := cgo.Open(background, f.options())
			if err != nil {
				return err
			}
			if _, err := driver.Devices(background); err != nil {
				return err
			}
			_, err = driver.OpenDevice(background, 0)
			return err
		}()
		if !errors.Is(err, c.class) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.control, err)
		}
		f.requireNoLeak()
	}
}

func TestALibraryThatFlushesSubnormalsIsPutRight(t *testing.T) {
	f := newFake(t) // its constructor, its cuInit and its cuStreamCreate set MXCSR to flush
	f.Control()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	driver := must(cgo.Open(background, f.options()))(t)
	check(t, kernels.CheckRounding())
	g := must(driver.OpenDevice(background, 0))(t)
	must(g.NewStream())(t)
	check(t, kernels.CheckRounding())
	check(t, g.Close(background))
	if driver.Version() != 12040 {
		t.Errorf("version %d", driver.Version())
	}
}

func TestTheDeviceIsDescribed(t *testing.T) {
	f := newFake(t)
	f.Control()
	devices := must(must(cgo.Open(background, f.options()))(t).Devices(background))(t)
	want := cgo.Info{Name: "Paper GPU", UUID: "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f", PCI: "0000:1b:00.0", Memory: 64 << 20,
		Major: 9, Minor: 0, SMs: 132, Shared: 227 << 10, ECC: true, Driver: 12040}
	if len(devices) != 1 || devices[0] != want {
		t.Errorf("%+v", devices)
	}
}

func TestBytesComeBackAsTheyWentUp(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	pool := g.NewPool(s, 60<<20)
	for _, n := range []int{0, 4, 4 << 20, 4<<20 + 4, 13<<20 + 20} { // none, one and several pinned buffers
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(i * 2654435761 >> 13)
		}
		buf := must(pool.Alloc(background, uint64(n)))(t)
		check(t, s.Upload(background, buf, data))
		got := make([]byte, n)
		check(t, s.Download(background, got, buf))
		if !bytes.Equal(got, data) {
			t.Errorf("%d bytes differ", n)
		}
		check(t, pool.Free(buf))
	}
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestArgumentsReachTheKernelBitForBit(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	m := must(g.Load(background, "test", []byte(fakePTX+"\x00after the end")))(t)
	if m.Log() != "ptxas info : Used 8 registers" {
		t.Errorf("log %q", m.Log())
	}
	pool := g.NewPool(s, 1<<20)
	buf := must(pool.Alloc(background, 12))(t)
	copied := must(pool.Alloc(background, 12))(t)
	check(t, s.Launch(background, cgo.Launch{Kernel: must(m.Kernel("write_scalars"))(t), Grid: [3]uint32{2, 3, 4}, Block: [3]uint32{32, 2, 1}, Shared: 100 << 10,
		Args: []cgo.Arg{buf.Arg(), cgo.Uint32(0xfedcba98), cgo.Int32(-2), cgo.Float32(-0.5)}}))
	check(t, s.Launch(background, cgo.Launch{Kernel: must(m.Kernel("copy_words"))(t), Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{1, 1, 1},
		Args: []cgo.Arg{copied.Arg(), buf.Arg(), cgo.Uint32(3)}}))
	got := make([]byte, 12)
	check(t, s.Download(background, got, copied))
	want := binary.LittleEndian.AppendUint32(nil, 0xfedcba98)
	want = binary.LittleEndian.AppendUint32(want, 0xfffffffe)
	want = binary.LittleEndian.AppendUint32(want, 0xbf000000)
	if !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
	if !slices.Contains(f.Log(), "launch write_scalars 2 3 4 32 2 1 102400") {
		t.Error("the launch has another geometry")
	}
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestWrongUseIsRefusedBeforeTheDriver(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	s := must(g.NewStream())(t)
	m := must(g.Load(background, "test", []byte(fakePTX)))(t)
	k := must(m.Kernel("increment"))(t)
	pool := g.NewPool(s, 1<<20)
	buf := must(pool.Alloc(background, 64))(t)
	pinned := must(g.NewPinned(background, 32))(t)
	one := [3]uint32{1, 1, 1}
	_, outside := buf.Slice(60, 8)
	_, wrapped := buf.Slice(1<<63, 1<<63)
	_, unknown := m.Kernel("no such kernel")
	check(t, pool.Free(buf))
	for name, err := range map[string]error{
		"a slice past the end":    outside,
		"a slice that wraps":      wrapped,
		"an unknown kernel":       unknown,
		"freeing twice":           pool.Free(buf),
		"no kernel":               s.Launch(background, cgo.Launch{Grid: one, Block: one}),
		"an empty grid":           s.Launch(background, cgo.Launch{Kernel: k, Grid: [3]uint32{1, 0, 1}, Block: one}),
		"too many arguments":      s.Launch(background, cgo.Launch{Kernel: k, Grid: one, Block: one, Args: make([]cgo.Arg, 65)}),
		"half a word":             s.Fill(background, must(buf.Slice(0, 3))(t), 0),
		"a copy of another size":  s.Copy(background, buf, must(buf.Slice(0, 4))(t)),
		"past the pinned bytes":   s.CopyIn(background, buf, pinned, 0),
		"before the pinned bytes": s.CopyOut(background, pinned, -1, must(buf.Slice(0, 4))(t)),
		"an upload of other size": s.Upload(background, buf, make([]byte, 63)),
		"a download likewise":     s.Download(background, make([]byte, 65), buf),
	} {
		if !errors.Is(err, cgo.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := s.Launch(background, cgo.Launch{Kernel: k, Grid: one, Block: one, Shared: 228 << 10})
	if !errors.Is(err, cgo.ErrUnsupported) || !strings.Contains(err.Error(), "232448") {
		t.Errorf("too much shared memory: %v", err)
	}
	check(t, pinned.Close())
	if err := pinned.Close(); !errors.Is(err, cgo.ErrClosed) {
		t.Errorf("closing twice: %v", err)
	}
	check(t, g.Close(background))
	for name, err := range map[string]error{"close": g.Close(background), "wait": s.Wait(background), "fill": s.Fill(background, buf, 0)} {
		if !errors.Is(err, cgo.ErrClosed) {
			t.Errorf("%s after closing: %v", name, err)
		}
	}
	f.requireNoLeak()
}

func TestACorruptModuleComesWithTheCompilersLog(t *testing.T) {
	f := newFake(t)
	f.Control()
	g := f.open(f.options())
	for _, image := range []string{".version 6.4 corrupt", "", "\x00"} {
		if _, err := g.Load(background, "drn1", []byte(image)); !errors.Is(err, cgo.ErrBadModule) || !strings.Contains(err.Error(), "drn1") {
			t.Errorf("%q: %v", image, err)
		} else if image != "" && image != "\x00" && !strings.Contains(err.Error(), "ptxas fatal") {
			t.Errorf("without the log: %v", err)
		}
	}
	check(t, g.Fault())
	check(t, g.Close(background))
	f.requireNoLeak()
}

func TestTheMonitorReadsHealth(t *testing.T) {
	f := newFake(t)
	f.Control()
	m := must(cgo.OpenMonitor(background, f.options()))(t)
	const uuid = "GPU-00010203-0405-0607-0809-0a0b0c0d0e0f"
	if h := must(m.Health(background, uuid))(t); h != (cgo.Health{Temperature: 41, ECC: true, Corrected: 7, Uncorrected: 1, RowsPending: true}) {
		t.Errorf("%+v", h)
	}
	if _, err := m.Health(background, "GPU-other"); !errors.Is(err, cgo.ErrNoDevice) {
		t.Errorf("another device: %v", err)
	}
	ctx, stop := context.WithCancel(background)
	check(t, m.Watch(ctx, uuid, func(x cgo.Xid) {
		if stop(); x != 79 || x.Application() {
			t.Errorf("Xid %d", x)
		}
	}))
	f.Also("fail nvmlDeviceGetTemperature 1 15")
	if _, err := m.Health(background, uuid); !errors.Is(err, cgo.ErrLost) {
		t.Errorf("a GPU off the bus: %v", err)
	}
	f.Also("fail nvmlDeviceGetEccMode 1 3", "fail nvmlDeviceGetRemappedRows 1 3")
	if h := must(m.Health(background, uuid))(t); h != (cgo.Health{Temperature: 41}) {
		t.Errorf("a card without ECC: %+v", h)
	}
	check(t, m.Close(background))
	if err := m.Close(background); !errors.Is(err, cgo.ErrClosed) {
		t.Errorf("closing twice: %v", err)
	}
	f.requireNoLeak()
}
