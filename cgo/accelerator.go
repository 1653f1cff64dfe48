package cgo

import (
	"context"
	"errors"
	"fmt"
	"unsafe"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// Accelerator is one block of device memory and a stream that runs launch plans on it: where a program's
// state lives while its steps run. A routine is one graph with its copies in and out, so that running it
// costs two crossings into the driver, however many kernels it has, and allocates nothing.
//
// One goroutine at a time may use an accelerator. Several accelerators of one device work side by side.
type Accelerator struct {
	device   *Device
	kernels  *Kernels
	stream   *Stream
	limit    uint64 // bytes of device memory
	memory   Buffer
	blocks   []*block // the memory, then workspaces, each larger than the one before
	routines []*routine
	closed   bool
}

// routine is a graph between two stretches of pinned memory.
type routine struct {
	graph   *Graph
	in, out pinnedWords
}

// pinnedWords is pinned memory as words; the zero value has none.
type pinnedWords struct {
	pinned *Pinned
	words  []uint32
}

// NewAccelerator starts an accelerator with a memory of so many words, all zero, that takes no more than limit
// bytes of device memory, workspaces included. The kernels are those of the device, and may be
// shared with others. ErrOutOfMemory says how much was needed.
func NewAccelerator(ctx context.Context, device *Device, kernels *Kernels, words int, limit uint64) (*Accelerator, error) {
	if words < 0 {
		return nil, fail(ErrInvalid, "", "a memory of %d words", words)
	}
	if kernels.device != device {
		return nil, fail(ErrInvalid, "", "the kernels are those of another device")
	}
	s, err := device.NewStream()
	if err != nil {
		return nil, err
	}
	a := &Accelerator{device: device, kernels: kernels, stream: s, limit: limit}
	if a.memory, err = a.take(ctx, words); err == nil {
		err = s.Fill(ctx, a.memory, 0)
	}
	if err != nil {
		return nil, join(device.Fault(), err, a.Close(context.WithoutCancel(ctx)))
	}
	return a, nil
}

// take allocates words of device memory for as long as the accelerator lives.
func (a *Accelerator) take(ctx context.Context, words int) (Buffer, error) {
	if words == 0 {
		return Buffer{}, nil
	}
	taken := uint64(0)
	for _, b := range a.blocks {
		taken += b.bytes
	}
	if uint64(words) > (a.limit-taken)/4 {
		return Buffer{}, fail(ErrOutOfMemory, "", "%d words of 4 bytes needed, %d bytes of the limit of %d taken", words, taken, a.limit)
	}
	b, err := a.device.allocate(ctx, 4*uint64(words))
	if err != nil {
		return Buffer{}, fmt.Errorf("%d bytes of device memory, %d taken, limit %d: %w", 4*uint64(words), taken, a.limit, err)
	}
	a.blocks = append(a.blocks, b)
	return b.Buffer, nil
}

// workspace is memory for plans that need so many words. A routine keeps the workspace that it was captured
// with, so one that proves too small stays until Close; who records the largest routine first wastes nothing.
func (a *Accelerator) workspace(ctx context.Context, words int) (Buffer, error) {
	if len(a.blocks) > 1 {
		if b := a.blocks[len(a.blocks)-1]; uint64(words) <= b.bytes/4 {
			return b.Buffer, nil
		}
	}
	return a.take(ctx, words)
}

// part is a range of the memory. What lies outside is ErrInvalid.
func (a *Accelerator) part(r kernels.Range) (Buffer, error) {
	if size := int(a.memory.bytes / 4); r.Offset < 0 || r.Words < 0 || r.Words > size || r.Offset > size-r.Words {
		return Buffer{}, fail(ErrInvalid, "", "%d words from word %d on of a memory of %d", r.Words, r.Offset, size)
	}
	return a.memory.Slice(4*uint64(r.Offset), 4*uint64(r.Words))
}

func (a *Accelerator) open() error {
	if a.closed {
		return fail(ErrClosed, "", "accelerator")
	}
	return nil
}

// Write copies words to word offset and what follows, and returns once they may be changed.
func (a *Accelerator) Write(ctx context.Context, offset int, words []uint32) error {
	return a.transfer(ctx, offset, words, a.stream.Upload)
}

// Read copies words from word offset and what follows, once all before is done.
func (a *Accelerator) Read(ctx context.Context, words []uint32, offset int) error {
	return a.transfer(ctx, offset, words, func(ctx context.Context, b Buffer, data []byte) error {
		return a.stream.Download(ctx, data, b)
	})
}

func (a *Accelerator) transfer(ctx context.Context, offset int, words []uint32, move func(context.Context, Buffer, []byte) error) error {
	if err := a.open(); err != nil {
		return err
	}
	b, err := a.part(kernels.Range{Offset: offset, Words: len(words)})
	if err != nil || len(words) == 0 {
		return err
	}
	return move(ctx, b, unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), 4*len(words)))
}

// Record captures a routine and returns its number. Kernels that are used for the first time are compiled.
// A range or a plan that does not fit the memory is ErrInvalid.
func (a *Accelerator) Record(ctx context.Context, r launch.Routine) (int, error) {
	if err := a.open(); err != nil {
		return 0, err
	}
	for _, c := range r.Calls { // the driver loads nothing while a stream is captured
		for _, l := range c.Plan.Launches {
			if _, err := a.kernels.Kernel(ctx, l.Kernel); err != nil {
				return 0, err
			}
		}
	}
	workspace, err := a.workspace(ctx, r.Workspace())
	if err != nil {
		return 0, err
	}
	made := &routine{}
	if err := a.capture(ctx, made, r, workspace); err != nil {
		return 0, join(a.device.Fault(), err, made.close())
	}
	a.routines = append(a.routines, made)
	return len(a.routines) - 1, nil
}

// capture makes the routine's pinned memory and its graph.
func (a *Accelerator) capture(ctx context.Context, made *routine, r launch.Routine, workspace Buffer) error {
	in, err := a.part(r.In)
	if err != nil {
		return fmt.Errorf("in: %w", err)
	}
	out, err := a.part(r.Out)
	if err != nil {
		return fmt.Errorf("out: %w", err)
	}
	if made.in, err = a.pin(ctx, r.In.Words); err != nil {
		return err
	}
	if made.out, err = a.pin(ctx, r.Out.Words); err != nil {
		return err
	}
	made.graph, err = a.stream.Capture(ctx, func() error {
		if made.in.pinned != nil {
			if err := a.stream.CopyIn(ctx, in, made.in.pinned, 0); err != nil {
				return err
			}
		}
		for i, c := range r.Calls {
			if err := a.enqueue(ctx, c, workspace); err != nil {
				return fmt.Errorf("call %d: %w", i, err)
			}
		}
		if made.out.pinned != nil {
			return a.stream.CopyOut(ctx, made.out.pinned, 0, out)
		}
		return nil
	})
	return err
}

func (a *Accelerator) enqueue(ctx context.Context, c launch.Planned, workspace Buffer) error {
	operands := make([]Buffer, len(c.Operands))
	for i, r := range c.Operands {
		var err error
		if operands[i], err = a.part(r); err != nil {
			return fmt.Errorf("operand %d: %w", i, err)
		}
	}
	return a.kernels.Enqueue(ctx, a.stream, c.Plan, operands, workspace)
}

// pin allocates words of pinned memory.
func (a *Accelerator) pin(ctx context.Context, words int) (pinnedWords, error) {
	if words == 0 {
		return pinnedWords{}, nil
	}
	m, err := a.device.NewPinned(ctx, 4*words)
	if err != nil {
		return pinnedWords{}, err
	}
	return pinnedWords{m, unsafe.Slice((*uint32)(unsafe.Pointer(unsafe.SliceData(m.Bytes()))), words)}, nil
}

// Run copies in to the routine's range In, runs the routine, and copies its range Out to out once all is done.
// What went wrong in a kernel is this call's error. A context that ends leaves the routine in flight, and what
// comes next runs after it.
func (a *Accelerator) Run(ctx context.Context, number int, in, out []uint32) error {
	if err := a.open(); err != nil {
		return err
	}
	if number < 0 || number >= len(a.routines) {
		return fail(ErrInvalid, "", "routine %d of %d", number, len(a.routines))
	}
	r := a.routines[number]
	if len(in) != len(r.in.words) || len(out) != len(r.out.words) {
		return fail(ErrInvalid, "", "%d words in and %d out for routine %d, which takes %d and gives %d",
			len(in), len(out), number, len(r.in.words), len(r.out.words))
	}
	copy(r.in.words, in)
	if err := r.graph.Launch(ctx, a.stream); err != nil {
		return err
	}
	if err := a.stream.Wait(ctx); err != nil {
		return err
	}
	copy(out, r.out.words)
	return nil
}

// Close waits for the stream and releases all that the accelerator holds. A context that ends first leaves it
// open.
func (a *Accelerator) Close(ctx context.Context) error {
	if err := a.open(); err != nil {
		return err
	}
	err := a.stream.Wait(ctx)
	if err != nil && ctx.Err() != nil {
		return err
	}
	a.closed = true
	failures := []error{err}
	for _, r := range a.routines {
		failures = append(failures, r.close())
	}
	for _, b := range a.blocks {
		failures = append(failures, b.close())
	}
	failures = append(failures, a.stream.Close(context.WithoutCancel(ctx))) // it is idle
	a.routines, a.blocks = nil, nil
	return join(a.device.Fault(), failures...)
}

func (r *routine) close() error {
	var failures []error
	if r.graph != nil {
		failures = append(failures, r.graph.Close())
	}
	for _, p := range []pinnedWords{r.in, r.out} {
		if p.pinned != nil {
			failures = append(failures, p.pinned.Close())
		}
	}
	return errors.Join(failures...)
}
