package tabular

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// compact reads Thrift's compact protocol, as far as Parquet's metadata needs it to be held against limits before a library
// allocates for it: no list is longer than the bytes that are left, nothing is nested deeper than maxNesting, and the fields
// of a structure have rising numbers, so that no two readers see different ones.
type compact struct {
	b     []byte
	depth int
}

const maxNesting = 24

// The types of the compact protocol.
const (
	compactTrue, compactFalse           = 1, 2
	compactByte                         = 3
	compactI16, compactI32, compactI64  = 4, 5, 6
	compactDouble, compactBinary        = 7, 8
	compactList, compactSet, compactMap = 9, 10, 11
	compactStruct                       = 12
)

var errCompact = errors.New("metadata that end too early or are malformed")

func (c *compact) varint() (uint64, error) {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		return 0, errCompact
	}
	c.b = c.b[n:]
	return v, nil
}

// integer reads a zigzag integer.
func (c *compact) integer() (int64, error) {
	v, err := c.varint()
	return int64(v>>1) ^ -int64(v&1), err
}

func (c *compact) bytes(n uint64) ([]byte, error) {
	if n > uint64(len(c.b)) {
		return nil, errCompact
	}
	b := c.b[:n]
	c.b = c.b[n:]
	return b, nil
}

func (c *compact) binary() ([]byte, error) {
	n, err := c.varint()
	if err != nil {
		return nil, err
	}
	return c.bytes(n)
}

// enter goes a level down, into a structure or a list: a byte of a file is enough for one, and a stack has an end.
func (c *compact) enter() error {
	if c.depth++; c.depth > maxNesting {
		return fmt.Errorf("metadata are nested deeper than %d", maxNesting)
	}
	return nil
}

// structure reads a structure and hands each field to f, which reads its value or says that it did not, and it is skipped.
func (c *compact) structure(f func(id int, kind byte) (taken bool, err error)) error {
	if err := c.enter(); err != nil {
		return err
	}
	defer func() { c.depth-- }()
	last := 0
	for {
		head, err := c.bytes(1)
		if err != nil {
			return err
		}
		if head[0] == 0 {
			return nil
		}
		id := last + int(head[0]>>4)
		if head[0]>>4 == 0 {
			v, err := c.integer()
			if err != nil {
				return err
			}
			id = int(v)
		}
		if id <= last || id > 1<<15-1 {
			return errors.New("metadata whose fields are out of order")
		}
		last = id
		kind := head[0] & 15
		taken, err := f(id, kind)
		if err == nil && !taken {
			err = c.skip(kind, false)
		}
		if err != nil {
			return err
		}
	}
}

// list reads the head of a list.
func (c *compact) list() (n uint64, kind byte, err error) {
	head, err := c.bytes(1)
	if err != nil {
		return 0, 0, err
	}
	if n = uint64(head[0] >> 4); n == 15 {
		if n, err = c.varint(); err != nil {
			return 0, 0, err
		}
	}
	if n > uint64(len(c.b)) {
		return 0, 0, errCompact
	}
	return n, head[0] & 15, nil
}

// skip passes over a value. A boolean within a list has a byte, one of a structure has none.
func (c *compact) skip(kind byte, within bool) error {
	var err error
	switch kind {
	case compactTrue, compactFalse:
		if within {
			_, err = c.bytes(1)
		}
	case compactByte:
		_, err = c.bytes(1)
	case compactI16, compactI32, compactI64:
		_, err = c.varint()
	case compactDouble:
		_, err = c.bytes(8)
	case compactBinary:
		_, err = c.binary()
	case compactList, compactSet:
		if err := c.enter(); err != nil {
			return err
		}
		n, of, listErr := c.list()
		for err = listErr; n > 0 && err == nil; n-- {
			err = c.skip(of, true)
		}
		c.depth--
	case compactStruct:
		err = c.structure(func(int, byte) (bool, error) { return false, nil })
	default: // Parquet has no maps
		err = errCompact
	}
	return err
}

// int32 reads an integer field.
func (c *compact) int32(kind byte, to *int64) (bool, error) {
	if kind != compactI32 {
		return false, errCompact
	}
	v, err := c.integer()
	*to = v
	return true, err
}
