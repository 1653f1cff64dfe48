package round

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/input"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

// piece is how many elements of each final are in memory at once.
const piece = 1 << 15

// source is the file of a final that is being read.
type source struct {
	path   string
	file   *os.File
	info   fs.FileInfo
	stream *state.Stream
	want   *Final
	buf    []float32 // of a piece
	err    error
}

// openSource begins to read a final.
func openSource(path string, want *Final, l *state.Layout, frozen merkle.Hash) (*source, error) {
	f, info, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	s := &source{path: path, file: f, info: info, want: want, buf: make([]float32, piece)}
	if s.stream, err = state.NewStream(bufio.NewReaderSize(f, 1<<16), path, l, frozen); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return s, nil
}

// finish holds what was read against the claim.
func (s *source) finish() error {
	root, err := s.stream.Close()
	if err == nil && root == s.want.Final {
		return nil
	}
	return s.blame(root, err)
}

// blame says what is wrong with a file that is not the claim's final: that it changed while it was read, if it did.
func (s *source) blame(root merkle.Hash, err error) error {
	now, gone := s.file.Stat()
	switch {
	case gone == nil && (now.Size() != s.info.Size() || !now.ModTime().Equal(s.info.ModTime())):
		return fault.New(fault.Altered, s.path, "", "it changed while it was read")
	case err != nil:
		return err
	}
	return fault.New(fault.WrongDigest, s.path, "", "root %v, claim %v of worker %v came to %v", root, s.want.Claim, s.want.Worker, s.want.Final)
}

// sources are the finals of a round, side by side.
type sources []*source

func (all sources) close() (err error) {
	for _, s := range all {
		err = errors.Join(err, s.file.Close())
	}
	return err
}

// openSources opens the files of finals in a folder.
func openSources(dir string, finals []Final, l *state.Layout, frozen merkle.Hash) (all sources, err error) {
	for i := range finals {
		s, err := openSource(filepath.Join(dir, FinalsDir, finals[i].Claim.String()+tensorsSuffix), &finals[i], l, frozen)
		if err != nil {
			return nil, errors.Join(err, all.close())
		}
		all = append(all, s)
	}
	return all, nil
}

// read reads the next n elements of each final.
func (all sources) read(ctx context.Context, n, threads int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	apart(len(all), threads, func(from, to int) {
		for _, s := range all[from:to] {
			s.err = s.stream.Next(s.buf[:n])
		}
	})
	for _, s := range all {
		if s.err != nil {
			return s.blame(merkle.Hash{}, s.err)
		}
	}
	return nil
}

// apart does ranges of n on several threads.
func apart(n, threads int, do func(from, to int)) {
	each := (n + max(1, threads) - 1) / max(1, threads)
	var all sync.WaitGroup
	for from := each; from < n; from += each {
		all.Go(func() { do(from, min(from+each, n)) })
	}
	do(0, min(each, n))
	all.Wait()
}

// readWhole reads a document of at most limit bytes.
func readWhole(path string, limit int64) ([]byte, error) {
	data, err := input.ReadFile(path, limit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.Missing, path, "", "%w", fs.ErrNotExist)
	}
	return data, err
}
