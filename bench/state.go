package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"github.com/zeebo/blake3"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/program"
	"github.com/verifyd/verifyd/verify/safetensors"
	"github.com/verifyd/verifyd/verify/state"
)

// measureState times what is done with a state besides computing it: its root, and its way to and from a file.
func (s *session) measureState(context.Context) error {
	rounds, warm := s.rounds(15)
	spec := program.TensorSpec{Name: "param/w", Kind: kernels.F32, Shape: []int{4, 1 << 22}} // 64 MiB
	if s.options.Quick {
		spec.Shape = []int{4, 1 << 10}
	}
	size := float64(4 * spec.Len())
	tensor := hashed(spec.Len(), 1)
	content := make([]byte, 0, 4*len(tensor))
	for _, v := range tensor {
		content = binary.LittleEndian.AppendUint32(content, math.Float32bits(v))
	}
	layout, err := state.NewLayout(state.State, []program.TensorSpec{spec})
	if err != nil {
		return err
	}
	for threads := 1; threads <= 2; threads++ {
		h := state.NewHasher(layout, threads)
		samples, err := Alternate(rounds, warm, 0,
			Contender{Name: "root", Run: func() (Sample, error) {
				return timed(1, func() error { h.Root(state.Counters{}, [][]float32{tensor}); return nil })
			}},
			Contender{Name: "BLAKE3", Run: func() (Sample, error) {
				return timed(1, func() error { blake3.Sum256(content); return nil })
			}})
		if err != nil {
			return err
		}
		spread, bare := spreadOf(samples[0]), spreadOf(samples[1])
		rate := over(size/1e9, spread.CPU)
		s.add(Row{
			Group: "state", Name: fmt.Sprintf("root of a state of %.4g MiB", size/(1<<20)), Threads: threads,
			Ours: &spread, Work: size, Unit: "byte", Value: rate, Limit: 2,
			Note: fmt.Sprintf("%.2f GB/s a core by process time, where BLAKE3 alone has %.2f", rate, over(size/1e9, bare.CPU)),
		})
	}

	tensors := []safetensors.Tensor{{Name: spec.Name, Shape: spec.Shape, F32: tensor}}
	var plain, packed bytes.Buffer
	for _, c := range []struct {
		name string
		work func() error
	}{
		{"safetensors, write", func() error {
			plain.Reset()
			return safetensors.Write(&plain, nil, tensors)
		}},
		{"safetensors, read", func() error {
			_, err := safetensors.Read(bytes.NewReader(plain.Bytes()), "state", int64(size))
			return err
		}},
		{"zstd, compress", func() error {
			packed.Reset()
			w, err := safetensors.Compress(&packed)
			if err != nil {
				return err
			}
			if _, err := w.Write(plain.Bytes()); err != nil {
				return err
			}
			return w.Close()
		}},
		{"zstd, decompress", func() error {
			r, err := safetensors.Decompress(bytes.NewReader(packed.Bytes()), "state", int64(plain.Len()))
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, r)
			if e := r.Close(); err == nil {
				err = e
			}
			return err
		}},
	} {
		row, err := s.alone(min(rounds, 7), warm, c.name, 1, size, c.work)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		s.add(row)
	}
	return nil
}

// alone times work that has no peer; bytes is how many it treats.
func (s *session) alone(rounds, warm int, name string, threads int, bytes float64, work func() error) (Row, error) {
	samples, err := Alternate(rounds, warm, 0, Contender{Name: name, Run: func() (Sample, error) { return timed(1, work) }})
	if err != nil {
		return Row{}, err
	}
	spread := spreadOf(samples[0])
	return Row{Group: "state", Name: name, Threads: threads, Ours: &spread, Work: bytes, Unit: "byte"}, nil
}
