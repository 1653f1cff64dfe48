//go:build !cgo || !linux

package cgo

import (
	"context"
	"time"
)

// This build cannot load libcuda: Open and OpenMonitor say so, and nothing below is ever reached. It
// keeps programs that can use a GPU compiling where there is none.

func none() error {
	return fail(ErrNoDriver, "", "this verifyd was built without GPU support (it needs CGO_ENABLED=1 and Linux); the CPU serves")
}

// Driver is a loaded libcuda.
type Driver struct{}

// Open returns ErrNoDriver.
func Open(context.Context, Options) (*Driver, error) { return nil, none() }

func (d *Driver) Version() int                                     { return 0 }
func (d *Driver) Devices(context.Context) ([]Info, error)          { return nil, none() }
func (d *Driver) OpenDevice(context.Context, int) (*Device, error) { return nil, none() }

// Device is a GPU's primary context in this process.
type Device struct{}

func (g *Device) Info() Info                                            { return Info{} }
func (g *Device) Memory() (unused, total uint64, err error)             { return 0, 0, none() }
func (g *Device) Fault() error                                          { return none() }
func (g *Device) Close(context.Context) error                           { return none() }
func (g *Device) NewPinned(context.Context, int) (*Pinned, error)       { return nil, none() }
func (g *Device) NewPool(*Stream, uint64) *Pool                         { return nil }
func (g *Device) NewStream() (*Stream, error)                           { return nil, none() }
func (g *Device) NewEvent() (*Event, error)                             { return nil, none() }
func (g *Device) Load(context.Context, string, []byte) (*Module, error) { return nil, none() }

// block is device memory that belongs to no pool.
type block struct{ Buffer }

func (g *Device) allocate(context.Context, uint64) (*block, error) { return nil, none() }
func (b *block) close() error                                      { return none() }

// Pinned is host memory that the device reads and writes by itself.
type Pinned struct{}

func (m *Pinned) Bytes() []byte { return nil }
func (m *Pinned) Close() error  { return none() }

// Pool hands out device memory of one stream.
type Pool struct{}

func (p *Pool) Alloc(context.Context, uint64) (Buffer, error) { return Buffer{}, none() }
func (p *Pool) Free(Buffer) error                             { return none() }
func (p *Pool) Held() (held, used uint64)                     { return 0, 0 }
func (p *Pool) Trim(context.Context) error                    { return none() }
func (p *Pool) Close(context.Context) error                   { return none() }

// Stream is a queue of work on a device.
type Stream struct{}

func (s *Stream) Wait(context.Context) error                            { return none() }
func (s *Stream) After(context.Context, *Event) error                   { return none() }
func (s *Stream) Fill(context.Context, Buffer, uint32) error            { return none() }
func (s *Stream) Copy(ctx context.Context, to, from Buffer) error       { return none() }
func (s *Stream) CopyIn(context.Context, Buffer, *Pinned, int) error    { return none() }
func (s *Stream) CopyOut(context.Context, *Pinned, int, Buffer) error   { return none() }
func (s *Stream) Upload(context.Context, Buffer, []byte) error          { return none() }
func (s *Stream) Download(context.Context, []byte, Buffer) error        { return none() }
func (s *Stream) Launch(context.Context, Launch) error                  { return none() }
func (s *Stream) Capture(context.Context, func() error) (*Graph, error) { return nil, none() }
func (s *Stream) Close(context.Context) error                           { return none() }

// Event marks a point in a stream.
type Event struct{}

func (e *Event) Record(*Stream) error                { return none() }
func (e *Event) Wait(context.Context) error          { return none() }
func (e *Event) Since(*Event) (time.Duration, error) { return 0, none() }
func (e *Event) Close() error                        { return none() }

// Module is PTX that the driver has compiled for the device.
type Module struct{}

func (m *Module) Log() string                    { return "" }
func (m *Module) Kernel(string) (*Kernel, error) { return nil, none() }
func (m *Module) Close() error                   { return none() }

// Kernel is an entry of a module, with what the compiler gave it.
type Kernel struct {
	Name                                 string
	Registers, Shared, Local, MaxThreads int
}

// Graph is captured work.
type Graph struct{}

func (r *Graph) Nodes() int                            { return 0 }
func (r *Graph) Launch(context.Context, *Stream) error { return none() }
func (r *Graph) Close() error                          { return none() }

// Monitor reads the health of devices from NVML.
type Monitor struct{}

// OpenMonitor returns ErrNoDriver.
func OpenMonitor(context.Context, Options) (*Monitor, error) { return nil, none() }

func (m *Monitor) Driver() string                                 { return "" }
func (m *Monitor) Health(context.Context, string) (Health, error) { return Health{}, none() }
func (m *Monitor) Watch(context.Context, string, func(Xid)) error { return none() }
func (m *Monitor) Close(context.Context) error                    { return none() }
