package verify

import (
	"bufio"
	"context"
	"crypto/sha256"
	"hash"
	"io"
	"math"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
)

// segmentReader decompresses an opened segment and hashes its file on the way, so that each byte is read once.
type segmentReader struct {
	name   string
	want   OpenedSegment
	file   File
	packed io.Reader // the file, into sha
	sha    hash.Hash
	plain  *safetensors.Decompressor
}

// openSized opens the file of a segment, which must have the size that the worker signed for.
func (c *Case) openSized(ctx context.Context, s OpenedSegment) (File, error) {
	name := segmentFile(s.Segment)
	file, err := openLimited(ctx, c.source, name, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	if size := file.Size(); size != s.Size {
		file.Close()
		return nil, fault.New(fault.BadLength, name, "", "%d bytes, %s has %d", size, OpeningFile, s.Size)
	}
	return file, nil
}

// openSegment begins to read a segment.
func (c *Case) openSegment(ctx context.Context, s OpenedSegment) (*segmentReader, error) {
	bytes, err := segmentBytes(c.Terms.segmentInfos(s.Segment))
	if err != nil {
		return nil, err
	}
	name := segmentFile(s.Segment)
	file, err := c.openSized(ctx, s)
	if err != nil {
		return nil, err
	}
	r := &segmentReader{name: name, want: s, file: file, sha: sha256.New()}
	r.packed = bufio.NewReaderSize(io.TeeReader(content(file), r.sha), 1<<16)
	if r.plain, err = safetensors.Decompress(r.packed, name, unpackedLimit(bytes)); err != nil {
		file.Close()
		return nil, err
	}
	return r, nil
}

// Read implements io.Reader.
func (r *segmentReader) Read(p []byte) (int, error) { return r.plain.Read(p) }

// last ends a segment with err, or with what is wrong with its file.
func (r *segmentReader) last(ctx context.Context, err error) block {
	if damaged := r.check(ctx); damaged != nil {
		return block{err: damaged, damaged: damaged}
	}
	return block{err: err}
}

// check reads the file to its end, and returns an error unless it is the one that the worker signed for.
func (r *segmentReader) check(ctx context.Context) error {
	rest := make([]byte, 1<<16)
	for {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		_, err := r.packed.Read(rest)
		if err == io.EOF {
			break
		}
		if err != nil {
			return fault.In(r.name, err)
		}
	}
	if got := merkle.Hash(r.sha.Sum(nil)); got != r.want.Digest {
		return fault.New(fault.WrongDigest, r.name, "", "SHA-256 %v, %s has %v", got, OpeningFile, r.want.Digest)
	}
	return nil
}

func (r *segmentReader) close() {
	r.plain.Close()
	r.file.Close()
}
