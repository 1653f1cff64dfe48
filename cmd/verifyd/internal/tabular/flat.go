package tabular

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// flat is a table of a flatbuffer: the few that Arrow's messages have are held against limits before a library follows them,
// whose offsets may share a table so that it is met exponentially often.
type flat struct {
	b  []byte
	at int
}

var errFlat = errors.New("a malformed message")

// rootOf is the root of a flatbuffer.
func rootOf(b []byte) (flat, error) {
	if len(b) < 4 {
		return flat{}, errFlat
	}
	return flat{b, 0}.follow(0)
}

// follow is what an offset at a place leads to.
func (f flat) follow(at int) (flat, error) {
	if at < 0 || at > len(f.b)-4 {
		return flat{}, errFlat
	}
	to := int64(at) + int64(binary.LittleEndian.Uint32(f.b[at:]))
	if to > int64(len(f.b)-4) {
		return flat{}, errFlat
	}
	return flat{f.b, int(to)}, nil
}

// slot is the place of field k of a table; 0 if the table lacks it.
func (f flat) slot(k, bytes int) (int, error) {
	v := int64(f.at) - int64(int32(binary.LittleEndian.Uint32(f.b[f.at:])))
	if v < 0 || v > int64(len(f.b)-4) {
		return 0, errFlat
	}
	at, size := int64(4+2*k), int64(binary.LittleEndian.Uint16(f.b[v:]))
	if at+2 > size {
		return 0, nil
	}
	if v+at+2 > int64(len(f.b)) {
		return 0, errFlat
	}
	offset := int(binary.LittleEndian.Uint16(f.b[v+at:]))
	if offset == 0 {
		return 0, nil
	}
	if f.at+offset+bytes > len(f.b) {
		return 0, errFlat
	}
	return f.at + offset, nil
}

func (f flat) int8(k int) (int8, error) {
	at, err := f.slot(k, 1)
	if at == 0 || err != nil {
		return 0, err
	}
	return int8(f.b[at]), nil
}

func (f flat) int64(k int) (int64, error) {
	at, err := f.slot(k, 8)
	if at == 0 || err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint64(f.b[at:])), nil
}

// table is the table of field k, if it is there.
func (f flat) table(k int) (t flat, there bool, err error) {
	at, err := f.slot(k, 4)
	if at == 0 || err != nil {
		return t, false, err
	}
	t, err = f.follow(at)
	return t, true, err
}

// vector is the place and number of the elements of field k.
func (f flat) vector(k int, bytes int) (at, n int, err error) {
	t, there, err := f.table(k)
	if !there || err != nil {
		return 0, 0, err
	}
	count := int64(binary.LittleEndian.Uint32(t.b[t.at:]))
	if int64(t.at)+4+count*int64(bytes) > int64(len(t.b)) {
		return 0, 0, errFlat
	}
	return t.at + 4, int(count), nil
}

const maxMessage = 16 << 20 // bytes of a message without its body

// The headers of messages.
const schemaMessage, dictionaryMessage, recordMessage = 1, 2, 3

// checkArrow walks through the messages of an Arrow stream of so many bytes before a library does, and counts its rows: each lies
// within the file, the schema is flat, and no buffer becomes more than a limit.
func checkArrow(r io.ReaderAt, at, size, limit int64) (rows int64, err error) {
	becomes := int64(0)
	for first := true; ; first = false {
		meta, body, err := message(r, &at, size)
		if err != nil {
			return 0, fmt.Errorf("message at byte %d: %w", at, err)
		}
		if meta.b == nil {
			return rows, checkExpansion(becomes, size)
		}
		kind, err := meta.int8(1)
		if err != nil {
			return 0, err
		}
		header, there, err := meta.table(2)
		switch {
		case err != nil || !there:
			return 0, errFlat
		case first != (kind == schemaMessage):
			return 0, errors.New("a schema must be the first message, and no other")
		case kind == schemaMessage:
			err = header.checkSchema()
		case kind == dictionaryMessage:
			var data flat
			if data, there, err = header.table(1); err == nil && !there {
				err = errFlat
			}
			if err == nil {
				_, err = data.checkBuffers(r, at, body, limit, &becomes)
			}
		case kind == recordMessage:
			var n int64
			n, err = header.checkBuffers(r, at, body, limit, &becomes)
			if err == nil && (n < 0 || n > MaxRows-rows) {
				err = fmt.Errorf("rows: more than %d", MaxRows)
			}
			rows += n
		default:
			err = fmt.Errorf("of kind %d", kind)
		}
		if err != nil {
			return 0, fmt.Errorf("message at byte %d: %w", at, err)
		}
		at += body
	}
}

// message reads the head of the next message, whose body lies at *at then; its root is empty at the end.
func message(r io.ReaderAt, at *int64, size int64) (root flat, body int64, err error) {
	if *at == size {
		return flat{}, 0, nil // a stream may end so
	}
	var head [8]byte
	if _, err := r.ReadAt(head[:], *at); err != nil && (err != io.EOF || size-*at < 4) {
		return flat{}, 0, truncated(err)
	}
	n := int64(int32(binary.LittleEndian.Uint32(head[4:])))
	if binary.LittleEndian.Uint32(head[:]) != 1<<32-1 {
		return flat{}, 0, errors.New("not a message of Arrow 0.15 or later")
	}
	if n == 0 {
		return flat{}, 0, nil
	}
	if n < 8 || n > maxMessage || n > size-*at-8 {
		return flat{}, 0, fmt.Errorf("%d bytes, the limit is %d", n, min(maxMessage, size-*at-8))
	}
	b := make([]byte, n)
	if _, err := r.ReadAt(b, *at+8); err != nil {
		return flat{}, 0, truncated(err)
	}
	*at += 8 + n
	if root, err = rootOf(b); err != nil {
		return flat{}, 0, err
	}
	if body, err = root.int64(3); err == nil && (body < 0 || body > size-*at) {
		err = fmt.Errorf("a body of %d bytes, of the file %d are left", body, size-*at)
	}
	return root, body, err
}

// checkSchema refuses a schema that is not flat.
func (f flat) checkSchema() error {
	at, n, err := f.vector(1, 4)
	if err != nil {
		return err
	}
	if n < 1 || n > MaxCols {
		return fmt.Errorf("columns: %d is outside 1 to %d", n, MaxCols)
	}
	for k := range n {
		field, err := f.follow(at + 4*k)
		if err != nil {
			return err
		}
		_, children, err := field.vector(5, 4)
		if err != nil {
			return err
		}
		if children > 0 {
			return fmt.Errorf("column %d is nested: want a flat table", k+1)
		}
	}
	return nil
}

// checkBuffers holds the buffers of a batch against its body, and adds what they become. It gives the rows of the batch.
func (f flat) checkBuffers(r io.ReaderAt, body, bytes, limit int64, becomes *int64) (rows int64, err error) {
	if rows, err = f.int64(0); err != nil {
		return 0, err
	}
	at, n, err := f.vector(2, 16)
	if err != nil {
		return 0, err
	}
	compression, compressed, err := f.table(3)
	if err != nil {
		return 0, err
	}
	codec := int8(0)
	if compressed {
		if codec, err = compression.int8(0); err != nil {
			return 0, err
		}
	}
	for k := range n {
		from := int64(binary.LittleEndian.Uint64(f.b[at+16*k:]))
		length := int64(binary.LittleEndian.Uint64(f.b[at+16*k+8:]))
		if from < 0 || length < 0 || from > bytes || length > bytes-from {
			return 0, fmt.Errorf("buffer %d: bytes %d to %d of %d", k, from, from+length, bytes)
		}
		full := length
		if compressed && length > 0 {
			if full, err = becomesOf(io.NewSectionReader(r, body+from, length), length, codec, limit); err != nil {
				return 0, fmt.Errorf("buffer %d: %w", k, err)
			}
		}
		if *becomes += full; full > limit || *becomes < 0 {
			return 0, fmt.Errorf("buffer %d: %d bytes, the limit is %d", k, full, limit)
		}
	}
	return rows, nil
}

// becomesOf is how many bytes a compressed buffer becomes: it says so in front.
func becomesOf(r io.Reader, length int64, codec int8, limit int64) (int64, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, truncated(err)
	}
	full := int64(binary.LittleEndian.Uint64(head[:]))
	if full == -1 { // it was not worth it
		return length - 8, nil
	}
	if full < 0 || full > limit {
		return 0, fmt.Errorf("becomes %d bytes, the limit is %d", full, limit)
	}
	if codec == 1 { // zstd; LZ4 never becomes more than it is given room for
		return full, checkZstd(r, full)
	}
	return full, nil
}
