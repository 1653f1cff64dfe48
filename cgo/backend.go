package cgo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/kernels/launch"
)

// Backend runs single operators on a device, from host memory to host memory, and is made to be
// checked: package optest takes it as it takes the CPU. Each operand lies between guard words that
// must survive, and the workspace starts with NaN. An engine that keeps a state on the device goes
// through Kernels and launch.For instead.
type Backend struct {
	ctx     context.Context
	device  *Device
	stream  *Stream
	pool    *Pool
	kernels *Kernels
}

// NewBackend starts a backend on device that uses at most limit bytes of its memory. All its waits
// end with ctx.
func NewBackend(ctx context.Context, device *Device, limit uint64) (*Backend, error) {
	k, err := NewKernels(device)
	if err != nil {
		return nil, err
	}
	s, err := device.NewStream()
	if err != nil {
		return nil, err
	}
	return &Backend{ctx: ctx, device: device, stream: s, pool: device.NewPool(s, limit), kernels: k}, nil
}

// Close releases the backend's memory and modules, and leaves the device open.
func (b *Backend) Close(ctx context.Context) error {
	return errors.Join(b.pool.Close(ctx), b.stream.Close(ctx), b.kernels.Close())
}

// Name is the device's.
func (b *Backend) Name() string {
	info := b.device.Info()
	return fmt.Sprintf("cuda:%d %s", info.Ordinal, info.Name)
}

// Supports says whether there is a kernel for op.
func (b *Backend) Supports(op kernels.Operator) bool {
	_, err := launch.For(op)
	return err == nil
}

// guard is how many words lie before and behind each operand, and what they hold.
const (
	guardWords = 128
	guardWord  = 0xa5c35a3c
)

// arena is an operand with its guards, here and on the device.
type arena struct {
	host   []byte
	device Buffer
}

// Run computes op on bufs before it returns. Operands that are one slice are one on the device.
func (b *Backend) Run(op kernels.Operator, bufs []kernels.Buf) (err error) {
	if err := kernels.Check(op, bufs); err != nil {
		return err
	}
	plan, err := launch.For(op)
	if err != nil {
		return err
	}
	var all []arena // as many as there are different buffers
	defer func() {
		for _, a := range all {
			err = errors.Join(err, b.pool.Free(a.device))
		}
	}()
	index := make([]int, len(bufs)) // of each operand's arena
	for i, buf := range bufs {
		if index[i] = same(bufs[:i], buf); index[i] >= 0 {
			index[i] = index[index[i]]
			continue
		}
		index[i] = len(all)
		a, err := b.place(buf)
		if err != nil {
			return fmt.Errorf("%s: %w", op.Name(), err)
		}
		all = append(all, a)
	}
	workspace, err := b.workspace(plan.Workspace)
	if err != nil {
		return fmt.Errorf("%s: %w", op.Name(), err)
	}
	operands := make([]Buffer, len(bufs))
	for i := range bufs {
		d := all[index[i]].device
		operands[i] = Buffer{d.address + 4*guardWords, d.bytes - 8*guardWords}
	}
	err = b.kernels.Enqueue(b.ctx, b.stream, plan, operands, workspace)
	for i, buf := range bufs {
		if err == nil {
			err = b.fetch(all[index[i]], op.Operands()[i].Name, buf)
		}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", op.Name(), err)
	}
	return errors.Join(err, b.pool.Free(workspace))
}

// same is the first of bufs that is the slice buf, or -1.
func same(bufs []kernels.Buf, buf kernels.Buf) int {
	for i, other := range bufs {
		if len(buf.F) > 0 && len(other.F) == len(buf.F) && &other.F[0] == &buf.F[0] {
			return i
		}
	}
	return -1
}

// place copies a buffer and its guards to the device.
func (b *Backend) place(buf kernels.Buf) (arena, error) {
	n := len(buf.F) + len(buf.I)
	host := make([]byte, 0, 4*(n+2*guardWords))
	put := func(words int, at func(int) uint32) {
		for i := range words {
			host = binary.LittleEndian.AppendUint32(host, at(i))
		}
	}
	guards := func(int) uint32 { return guardWord }
	put(guardWords, guards)
	put(len(buf.F), func(i int) uint32 { return math.Float32bits(buf.F[i]) })
	put(len(buf.I), func(i int) uint32 { return uint32(buf.I[i]) })
	put(guardWords, guards)
	d, err := b.pool.Alloc(b.ctx, uint64(len(host)))
	if err != nil {
		return arena{}, err
	}
	if err := b.stream.Upload(b.ctx, d, host); err != nil {
		return arena{}, errors.Join(err, b.pool.Free(d))
	}
	return arena{host: host, device: d}, nil
}

// workspace is memory of n words that are NaN.
func (b *Backend) workspace(n int) (Buffer, error) {
	w, err := b.pool.Alloc(b.ctx, 4*uint64(n))
	if err != nil {
		return Buffer{}, err
	}
	if err := b.stream.Fill(b.ctx, w, math.MaxUint32); err != nil {
		return Buffer{}, errors.Join(err, b.pool.Free(w))
	}
	return w, nil
}

// fetch copies an operand back, inputs included: a kernel that writes to one is seen.
func (b *Backend) fetch(a arena, name string, buf kernels.Buf) error {
	if err := b.stream.Download(b.ctx, a.host, a.device); err != nil {
		return err
	}
	at := func(i int) uint32 { return binary.LittleEndian.Uint32(a.host[4*i:]) }
	n := len(buf.F) + len(buf.I)
	for i := range guardWords {
		if at(i) != guardWord {
			return fmt.Errorf("operand %q: word %d was written", name, i-guardWords)
		}
		if at(guardWords+n+i) != guardWord {
			return fmt.Errorf("operand %q: word %d of %d was written", name, n+i, n)
		}
	}
	for i := range buf.F {
		buf.F[i] = math.Float32frombits(at(guardWords + i))
	}
	for i := range buf.I {
		buf.I[i] = int32(at(guardWords + i))
	}
	return nil
}
