package cgo

// Buffer is a stretch of device memory. It is a value: it does not own what it points to.
type Buffer struct {
	address, bytes uint64
}

// Len is the buffer's length in bytes.
func (b Buffer) Len() uint64 { return b.bytes }

// Slice is the part of b from offset on, of n bytes. What lies outside b is ErrInvalid.
func (b Buffer) Slice(offset, n uint64) (Buffer, error) {
	if offset > b.bytes || n > b.bytes-offset {
		return Buffer{}, fail(ErrInvalid, "", "bytes %d to %d of a buffer of %d", offset, offset+n, b.bytes)
	}
	return Buffer{b.address + offset, n}, nil
}

// Arg is the buffer's address as a kernel's argument.
func (b Buffer) Arg() Arg { return Arg(b.address) }
