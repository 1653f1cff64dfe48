//go:build cgo && linux

package cgo

import "context"

// stagingBytes is the size of each of a stream's two pinned buffers: large enough for the full speed
// of PCIe, small enough to pin a few.
const stagingBytes = 4 << 20

// stage makes the stream's pinned buffers when it first transfers Go memory.
func (s *Stream) stage(ctx context.Context) error {
	if s.capturing {
		return fail(ErrInvalid, "", "transfer of Go memory while the stream is captured")
	}
	for i := range s.staging {
		var err error
		if s.staging[i] == nil {
			if s.staging[i], err = s.device.NewPinned(ctx, stagingBytes); err != nil {
				return err
			}
		}
		if s.staged[i] == nil {
			if s.staged[i], err = s.device.newEvent(disableTiming); err != nil {
				return err
			}
		}
	}
	return nil
}

// Upload copies data into all of b, in the stream's order, and returns once data may be changed; the
// copy itself may still be in flight.
func (s *Stream) Upload(ctx context.Context, b Buffer, data []byte) error {
	if uint64(len(data)) != b.bytes {
		return fail(ErrInvalid, "", "upload of %d bytes into %d", len(data), b.bytes)
	}
	if err := s.stage(ctx); err != nil {
		return err
	}
	for i := 0; len(data) > 0; i = 1 - i {
		if err := s.staged[i].Wait(ctx); err != nil {
			return err
		}
		n := copy(s.staging[i].Bytes(), data)
		if err := s.CopyIn(ctx, Buffer{b.address, uint64(n)}, s.staging[i], 0); err != nil {
			return err
		}
		if err := s.staged[i].Record(s); err != nil {
			return err
		}
		b, data = Buffer{b.address + uint64(n), b.bytes - uint64(n)}, data[n:]
	}
	return nil
}

// Download waits for the stream and copies all of b into data. While the host empties one pinned
// buffer the device fills the other.
func (s *Stream) Download(ctx context.Context, data []byte, b Buffer) error {
	if uint64(len(data)) != b.bytes {
		return fail(ErrInvalid, "", "download of %d bytes into %d", b.bytes, len(data))
	}
	if err := s.stage(ctx); err != nil {
		return err
	}
	fill := func(i int, offset int) error {
		n := min(stagingBytes, len(data)-offset)
		if n <= 0 {
			return nil
		}
		if err := s.CopyOut(ctx, s.staging[i], 0, Buffer{b.address + uint64(offset), uint64(n)}); err != nil {
			return err
		}
		return s.staged[i].Record(s)
	}
	// An earlier upload may still read the pinned buffers; the stream's order keeps it first.
	for i := range s.staging {
		if err := fill(i, i*stagingBytes); err != nil {
			return err
		}
	}
	for i, offset := 0, 0; offset < len(data); i, offset = 1-i, offset+stagingBytes {
		if err := s.staged[i].Wait(ctx); err != nil {
			return err
		}
		copy(data[offset:], s.staging[i].Bytes())
		if err := fill(i, offset+2*stagingBytes); err != nil {
			return err
		}
	}
	return nil
}
