package safetensors

import (
	"errors"
	"io"
	"io/fs"

	"github.com/klauspost/compress/zstd"

	"github.com/verifyd/verifyd/verify/fault"
)

// window is the zstd window that Compress uses and the largest that Decompress accepts, in bytes.
// It bounds the memory of a decoder whatever a file declares.
const window = 1 << 20

// Compress returns a writer that compresses into w. The caller must close it.
func Compress(w io.Writer) (io.WriteCloser, error) {
	return zstd.NewWriter(w,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1),
		zstd.WithWindowSize(window),
		zstd.WithEncoderCRC(true))
}

// Decompressor reads at most a fixed number of bytes out of a zstd stream.
type Decompressor struct {
	dec  *zstd.Decoder
	file string
	left int64
	max  int64
}

// Decompress reads the zstd stream r, which may hold at most limit bytes. It decodes on the
// caller's goroutine, and its memory does not grow with what the stream declares. Errors begin with
// file. The caller must close it.
func Decompress(r io.Reader, file string, limit int64) (*Decompressor, error) {
	dec, err := zstd.NewReader(r,
		zstd.WithDecoderConcurrency(1),
		zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(window),
		zstd.WithDecoderMaxMemory(2*window))
	if err != nil {
		return nil, fault.In(file, fault.Under("zstd", err))
	}
	return &Decompressor{dec: dec, file: file, left: limit, max: limit}, nil
}

// Read implements io.Reader. Past the limit it returns an error instead of data.
func (d *Decompressor) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if int64(len(p)) > d.left+1 {
		p = p[:d.left+1]
	}
	n, err := d.dec.Read(p)
	if int64(n) > d.left {
		return int(d.left), fault.New(fault.TooLarge, d.file, "zstd", "more than %d bytes", d.max)
	}
	d.left -= int64(n)
	if err != nil && err != io.EOF {
		err = fault.In(d.file, fault.Under("zstd", classed(err)))
	}
	return n, err
}

// classed tells what the decoder refuses from what it could not read.
func classed(err error) error {
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return fault.As(fault.TooLarge, err)
	case errors.As(err, new(*fs.PathError)):
		return err
	}
	return fault.As(fault.BadForm, err)
}

// Close frees the decoder. It does not close the source.
func (d *Decompressor) Close() error {
	d.dec.Close()
	return nil
}
