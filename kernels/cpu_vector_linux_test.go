package kernels

import (
	"math/rand/v2"
	"os"
	"reflect"
	"syscall"
	"testing"
	"unsafe"
)

// fence returns memory for n elements between pages that must not be touched: it begins behind one,
// or it ends before one.
func fence(t *testing.T, n int, atEnd bool) []float32 {
	t.Helper()
	page := os.Getpagesize()
	size := (4*n + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, size+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(m); err != nil {
			t.Error(err)
		}
	})
	for _, wall := range [][]byte{m[:page], m[page+size:]} {
		if err := syscall.Mprotect(wall, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	data := m[page : page+size]
	if n == 0 {
		return nil
	}
	if atEnd {
		data = data[size-4*n:]
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&data[0])), n)
}

func TestVectorLoopsTouchNothingOutsideTheirSlices(t *testing.T) {
	const longest = 300
	vectorLoops(t, func(t *testing.T, name string, reference, loop reflect.Value) {
		r := rand.New(rand.NewPCG(7, 8))
		for _, atEnd := range []bool{false, true} {
			var walled [][]float32
			for range loop.Type().NumIn() {
				walled = append(walled, fence(t, longest, atEnd))
			}
			// piece is n elements at the wall.
			piece := func(i, n int) []float32 {
				if atEnd {
					return walled[i][longest-n:]
				}
				return walled[i][:n]
			}
			for n := range 140 {
				c := newCall(t, r, loop.Type(), n, 0, 0)
				for i, a := range c.args {
					switch s := a.Interface().(type) {
					case []float32:
						c.args[i] = reflect.ValueOf(piece(i, n))
					case []int32:
						f := piece(i, n)
						c.args[i] = reflect.ValueOf(unsafe.Slice((*int32)(unsafe.Pointer(unsafe.SliceData(f))), len(s)))
					}
				}
				switch name {
				case "addRows":
					c.divideRows(n)
				case "maxPool2":
					c.args[2], c.args[3] = reflect.ValueOf(piece(2, 2*n)), reflect.ValueOf(piece(3, 2*n))
				case "foldRows", "foldColumns":
					rows := longest / max(n, 1)
					c.args[1] = reflect.ValueOf(piece(1, rows*n))
					c.args[2], c.args[3] = reflect.ValueOf(n), reflect.ValueOf(rows)
					if name == "foldColumns" {
						c.args[2], c.args[3] = reflect.ValueOf(rows), reflect.ValueOf(rows)
					}
				}
				loop.Call(c.args)
			}
		}
	})
}
