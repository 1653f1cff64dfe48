package tabular

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/verifyd/verifyd/verify/npy"
)

const (
	maxMembers   = 4096
	maxDirectory = 4 << 20 // bytes of a ZIP file's directory
)

// readNPZ reads an NPZ file of size bytes: a ZIP file of NPY files, stored or deflated.
func readNPZ(r io.ReaderAt, size int64, o Options) (*Table, error) {
	if err := checkDirectory(r, size); err != nil {
		return nil, fmt.Errorf("ZIP: %w", err)
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("ZIP: %w", err)
	}
	var arrays []array
	for _, f := range z.File {
		a, err := memberOf(f, o.limit())
		if err != nil {
			return nil, fmt.Errorf("member %.80q: %w", f.Name, err)
		}
		arrays = append(arrays, a)
	}
	next := 0
	return readArrays(arrays, o, size, func(a *array, t *Table, at int, c *Column) error {
		f := z.File[next]
		next++
		if at < 0 {
			return nil
		}
		m, err := f.Open()
		if err != nil {
			return err
		}
		defer m.Close()
		if _, err := npy.Read(m); err != nil {
			return err
		}
		if err := a.into(m, t, at, c); err != nil {
			return err
		}
		if _, err := io.ReadFull(m, make([]byte, 1)); err != io.EOF { // where the checksum is compared
			return fmt.Errorf("after the elements: %w", tooMuch(err))
		}
		return nil
	})
}

func tooMuch(err error) error {
	if err == nil {
		return errors.New("more bytes than its header says")
	}
	return err
}

// memberOf reads the header of a member.
func memberOf(f *zip.File, limit int64) (array, error) {
	name, ok := strings.CutSuffix(f.Name, ".npy")
	if !ok || f.Method != zip.Store && f.Method != zip.Deflate {
		return array{}, errors.New("want .npy files, stored or deflated, as numpy.savez writes them")
	}
	if f.UncompressedSize64 > uint64(limit) || f.UncompressedSize64 > math.MaxInt64 {
		return array{}, fmt.Errorf("size: %d bytes, the limit is %d", f.UncompressedSize64, limit)
	}
	m, err := f.Open()
	if err != nil {
		return array{}, err
	}
	defer m.Close()
	return arrayOf(m, name, int64(f.UncompressedSize64))
}

// checkDirectory refuses a ZIP file whose directory is beyond a limit, before anything is allocated for it: APPNOTE 4.3.
func checkDirectory(r io.ReaderAt, size int64) error {
	const (
		endBytes, locatorBytes, end64Bytes = 22, 20, 56
		endMagic, locatorMagic, end64Magic = "PK\x05\x06", "PK\x06\x07", "PK\x06\x06"
	)
	tail := make([]byte, min(size, endBytes+locatorBytes+math.MaxUint16))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return err
	}
	at := bytes.LastIndex(tail, []byte(endMagic))
	if at < 0 || len(tail)-at < endBytes {
		return errors.New("not a ZIP file")
	}
	end := tail[at:]
	members, directory, offset := uint64(binary.LittleEndian.Uint16(end[10:])), uint64(binary.LittleEndian.Uint32(end[12:])), uint64(binary.LittleEndian.Uint32(end[16:]))
	ends := uint64(size) - uint64(len(end)) // of the directory
	if at >= locatorBytes && string(tail[at-locatorBytes:at-locatorBytes+4]) == locatorMagic {
		record := make([]byte, end64Bytes)
		where := binary.LittleEndian.Uint64(tail[at-locatorBytes+8:])
		if size < end64Bytes || where > uint64(size)-end64Bytes {
			return errors.New("its ZIP64 record lies behind its end")
		}
		if _, err := r.ReadAt(record, int64(where)); err != nil {
			return err
		}
		if string(record[:4]) != end64Magic {
			return errors.New("no ZIP64 record where it should be")
		}
		short := []uint64{members, directory, offset}
		members, directory, offset, ends = binary.LittleEndian.Uint64(record[32:]), binary.LittleEndian.Uint64(record[40:]), binary.LittleEndian.Uint64(record[48:]), where
		for k, full := range []uint64{members, directory, offset} {
			if most := []uint64{math.MaxUint16, math.MaxUint32, math.MaxUint32}[k]; short[k] != min(full, most) {
				return errors.New("its ZIP64 record says something else than its end")
			}
		}
	}
	if members > maxMembers {
		return fmt.Errorf("%d members, the limit is %d", members, maxMembers)
	}
	if directory > maxDirectory {
		return fmt.Errorf("a directory of %d bytes, the limit is %d", directory, maxDirectory)
	}
	// A reader that counts members until there is no more reads past what the directory's end says of it.
	if offset > ends || directory != ends-offset {
		return fmt.Errorf("a directory of %d bytes, from byte %d to its end are %d", directory, offset, int64(ends)-int64(offset))
	}
	return nil
}
