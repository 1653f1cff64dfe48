package tabular

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
)

const (
	maxFooter     = 16 << 20
	maxPageHeader = 1 << 16
	maxPage       = 256 << 20 // bytes of a page
	maxWindow     = 128 << 20 // of zstd
)

// checkFooter refuses a Parquet file whose metadata are too long, nested deeply or describe columns that are not flat.
func checkFooter(r io.ReaderAt, size int64) error {
	const tail, magic = 8, "PAR1"
	if size < tail+4 {
		return errors.New("not a Parquet file")
	}
	var end [tail]byte
	if _, err := r.ReadAt(end[:], size-tail); err != nil {
		return err
	}
	if string(end[4:]) != magic {
		return errors.New("not a Parquet file, or an encrypted one")
	}
	n := int64(binary.LittleEndian.Uint32(end[:]))
	if n > maxFooter || n > size-tail-4 {
		return fmt.Errorf("footer: %d bytes, the limit is %d", n, min(maxFooter, size-tail-4))
	}
	c := compact{b: make([]byte, n)}
	if _, err := r.ReadAt(c.b, size-tail-n); err != nil {
		return err
	}
	err := c.structure(func(id int, kind byte) (bool, error) {
		if id != 2 || kind != compactList {
			return false, nil
		}
		return true, c.checkSchema()
	})
	if err != nil {
		return fmt.Errorf("footer: %w", err)
	}
	return nil
}

// checkSchema refuses a schema that is not a root with nothing but columns below it.
func (c *compact) checkSchema() error {
	n, kind, err := c.list()
	if err != nil || kind != compactStruct {
		return errCompact
	}
	if n < 2 || n > MaxCols {
		return fmt.Errorf("columns: %d is outside 1 to %d", int64(n)-1, MaxCols)
	}
	below := int64(0) // columns that the root has
	for k := range n {
		children, name := int64(0), ""
		err := c.structure(func(id int, kind byte) (bool, error) {
			switch {
			case id == 4 && kind == compactBinary:
				b, err := c.binary()
				name = string(b)
				return true, err
			case id == 5:
				return c.int32(kind, &children)
			}
			return false, nil
		})
		switch {
		case err != nil:
			return err
		case k == 0:
			below = children
		case children != 0:
			return fmt.Errorf("column %.80q is nested: want a flat table", name)
		}
	}
	if below != int64(n)-1 {
		return fmt.Errorf("%d columns, the root of the schema has %d", int64(n)-1, below)
	}
	return nil
}

// page is the header of a page.
type page struct {
	kind, uncompressed, compressed int64
	values, encoding               int64
	levels                         int64 // bytes that are not compressed, in front
	plain                          bool  // not compressed, whatever the chunk says
}

// The pages of a chunk.
const (
	dataPage, indexPage, dictionaryPage, dataPage2 = 0, 1, 2, 3
)

// checkPages walks through the pages of a chunk of a column before a library does: each is within the chunk, becomes no more
// than it says, and has no more values than the chunk.
func checkPages(r io.ReaderAt, start, length, values int64, codec compress.Compression) error {
	seen := int64(0)
	for at := start; at < start+length && seen < values; {
		head := make([]byte, min(maxPageHeader, start+length-at))
		if _, err := r.ReadAt(head, at); err != nil {
			return truncated(err)
		}
		c := compact{b: head}
		p, err := c.page()
		if err != nil {
			return fmt.Errorf("page at byte %d: %w", at, err)
		}
		at += int64(len(head) - len(c.b))
		if p.compressed > start+length-at {
			return fmt.Errorf("page at byte %d: %d bytes, of its column %d are left", at, p.compressed, start+length-at)
		}
		if err := p.check(io.NewSectionReader(r, at, p.compressed), codec, values-seen); err != nil {
			return fmt.Errorf("page at byte %d: %w", at, err)
		}
		at += p.compressed
		if p.kind == dataPage || p.kind == dataPage2 {
			seen += p.values
		}
	}
	if seen != values {
		return fmt.Errorf("pages have %d values, the column says %d", seen, values)
	}
	return nil
}

// page reads the header of a page.
func (c *compact) page() (p page, err error) {
	var v2 [2]int64 // bytes of levels
	inner := map[int]func(id int, kind byte) (bool, error){
		5: func(id int, kind byte) (bool, error) { return c.counts(&p, id, kind) },
		7: func(id int, kind byte) (bool, error) { return c.counts(&p, id, kind) },
		8: func(id int, kind byte) (bool, error) {
			switch id {
			case 1:
				return c.int32(kind, &p.values)
			case 4:
				return c.int32(kind, &p.encoding)
			case 5, 6:
				return c.int32(kind, &v2[id-5])
			case 7:
				p.plain = kind == compactFalse
			}
			return false, nil
		},
	}
	found := 0
	err = c.structure(func(id int, kind byte) (bool, error) {
		switch id {
		case 1:
			return c.int32(kind, &p.kind)
		case 2:
			return c.int32(kind, &p.uncompressed)
		case 3:
			return c.int32(kind, &p.compressed)
		}
		if f := inner[id]; f != nil && kind == compactStruct {
			found = id
			return true, c.structure(f)
		}
		return false, nil
	})
	if err != nil {
		return p, err
	}
	if want := map[int64]int{dataPage: 5, dictionaryPage: 7, dataPage2: 8}[p.kind]; want == 0 || found != want {
		return p, fmt.Errorf("is of kind %d, or lacks what that needs", p.kind)
	}
	if v2[0] < 0 || v2[1] < 0 || v2[0]+v2[1] > min(p.compressed, p.uncompressed) {
		return p, fmt.Errorf("levels of %d and %d bytes", v2[0], v2[1])
	}
	p.levels = v2[0] + v2[1]
	return p, nil
}

// counts reads the number of values and their encoding.
func (c *compact) counts(p *page, id int, kind byte) (bool, error) {
	switch id {
	case 1:
		return c.int32(kind, &p.values)
	case 2:
		return c.int32(kind, &p.encoding)
	}
	return false, nil
}

// encodings are those that are read: plain, by dictionary, runs, and bytes in streams.
var encodings = map[int64]bool{0: true, 2: true, 3: true, 8: true, 9: true}

// check holds a page against its own words.
func (p *page) check(r io.Reader, codec compress.Compression, values int64) error {
	becomes := p.uncompressed - p.levels
	switch {
	case p.compressed < 0 || p.uncompressed < 0 || max(p.compressed, p.uncompressed) > maxPage:
		return fmt.Errorf("%d bytes that become %d, the limit is %d", p.compressed, p.uncompressed, maxPage)
	case !encodings[p.encoding]:
		return fmt.Errorf("encoding %d: write it plain or with a dictionary", p.encoding)
	case p.kind == dictionaryPage && (p.values < 0 || p.values > p.uncompressed):
		return fmt.Errorf("a dictionary of %d values in %d bytes", p.values, p.uncompressed)
	case p.kind != dictionaryPage && (p.values < 1 || p.values > values):
		return fmt.Errorf("%d values, of its column %d are left", p.values, values)
	case p.plain || codec == compress.Codecs.Uncompressed:
		if p.compressed != p.uncompressed {
			return fmt.Errorf("%d bytes that are not compressed become %d", p.compressed, p.uncompressed)
		}
		return nil
	case becomes == 0:
		return errors.New("nothing, compressed")
	}
	if _, err := io.CopyN(io.Discard, r, p.levels); err != nil {
		return truncated(err)
	}
	switch codec {
	case compress.Codecs.Snappy:
		head := make([]byte, binary.MaxVarintLen64)
		n, err := io.ReadFull(r, head)
		if err != nil && err != io.ErrUnexpectedEOF {
			return truncated(err)
		}
		if n, err := snappy.DecodedLen(head[:n]); err != nil || int64(n) != becomes {
			return fmt.Errorf("becomes %d bytes, and says %d", n, becomes)
		}
	case compress.Codecs.Zstd:
		return checkZstd(r, becomes)
	case compress.Codecs.Gzip, compress.Codecs.Brotli, compress.Codecs.Lz4Raw: // never become more than they are given room for
	default:
		return fmt.Errorf("compressed by %v: want snappy, zstd, gzip, brotli or LZ4", codec)
	}
	return nil
}

// checkZstd refuses what does not become exactly so many bytes, or takes too much memory for it.
func checkZstd(r io.Reader, becomes int64) error {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return err
	}
	defer z.Close()
	n, err := io.CopyN(io.Discard, z, becomes+1)
	if err != nil && err != io.EOF {
		return err
	}
	if n != becomes {
		return fmt.Errorf("becomes %d bytes or more, and says %d", n, becomes)
	}
	return nil
}
