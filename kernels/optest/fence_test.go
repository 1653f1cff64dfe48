//go:build unix

package optest

import (
	"fmt"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"

	"github.com/verifyd/verifyd/kernels"
)

// Guard words show what is written beside a buffer. Here the pages on both sides cannot be touched,
// so that a read beside it is seen as well.
func TestNoCodePathReadsOutsideABuffer(t *testing.T) {
	ref, err := reference()
	if err != nil {
		t.Fatal(err)
	}
	defer ref.Close()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, b := range machines(t, 1) {
		for _, c := range Cases() {
			// One case a shape is enough: the data makes no difference here.
			if c.inPlace != nil || c.Data != Normal {
				continue
			}
			bufs, err := c.buffers(CPU(ref))
			if err != nil {
				t.Fatal(err)
			}
			for _, atEnd := range []bool{true, false} {
				if err := runFenced(b, c, bufs, atEnd); err != nil {
					t.Errorf("%s: %v: buffers at the end of a page %v: %v", b.Name(), c, atEnd, err)
				}
			}
		}
	}
}

func TestAReadOutsideAFencedBufferIsCaught(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, atEnd := range []bool{true, false} {
		x, free, err := fence(5, atEnd)
		if err != nil {
			t.Fatal(err)
		}
		defer free()
		at := -4
		if atEnd {
			at = 4 * 5
		}
		var read float32
		if err := faults(func() { read = *(*float32)(unsafe.Add(unsafe.Pointer(&x[0]), at)) }); err == nil {
			t.Errorf("buffer at the end of a page %v: %g was read, and nothing caught", atEnd, read)
		}
	}
}

// runFenced runs the case on copies of bufs between pages that cannot be touched.
func runFenced(b Backend, c Case, bufs []kernels.Buf, atEnd bool) error {
	fenced := make([]kernels.Buf, len(bufs))
	for i, buf := range bufs {
		if length(buf) == 0 {
			fenced[i] = buf
			continue
		}
		x, free, err := fence(length(buf), atEnd)
		if err != nil {
			return err
		}
		defer free()
		if buf.I != nil {
			fenced[i].I = unsafe.Slice((*int32)(unsafe.Pointer(&x[0])), len(x))
		} else {
			fenced[i].F = x
		}
		copy(fenced[i].F, buf.F)
		copy(fenced[i].I, buf.I)
	}
	var failure error
	if err := faults(func() { failure = b.Run(c.Op, fenced) }); err != nil {
		return err
	}
	return failure
}

// faults runs f and returns an error if it touched a fenced page.
func faults(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	f()
	return nil
}

// fence returns n elements that end, or begin, at a page that cannot be touched.
func fence(n int, atEnd bool) (x []float32, free func(), err error) {
	page := syscall.Getpagesize()
	room := (4*n + page - 1) / page * page
	all, err := syscall.Mmap(-1, 0, room+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return nil, nil, err
	}
	free = func() { _ = syscall.Munmap(all) }
	for _, side := range [][]byte{all[:page], all[page+room:]} {
		if err := syscall.Mprotect(side, syscall.PROT_NONE); err != nil {
			free()
			return nil, nil, err
		}
	}
	from := page
	if atEnd {
		from += room - 4*n
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&all[from])), n), free, nil
}
