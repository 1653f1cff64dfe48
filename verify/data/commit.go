package data

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/safetensors"
)

const (
	// passBytes is about what each processor reads at a time.
	passBytes = 2 << 20
	// MaxUnindexed is the most samples whose hashes are kept in memory.
	MaxUnindexed = 1 << 22
)

// Commit hashes all samples and keeps the hashes in memory. More than MaxUnindexed of them need an index.
func (f *Files) Commit(ctx context.Context, progress func(done, total uint64)) error {
	if f.samples > MaxUnindexed {
		return fault.New(fault.TooLarge, f.sources[0].path, "", "%d samples, of which an index is needed: verifyd data commit writes it; the limit without one is %d", f.samples, MaxUnindexed)
	}
	f.leaves = make([]merkle.Hash, f.samples)
	keep := func(first uint64, leaves []merkle.Hash) error {
		copy(f.leaves[first:], leaves)
		return nil
	}
	if err := f.pass(ctx, keep, progress); err != nil {
		return err
	}
	var err error
	f.Blocks, err = merkle.NewBlocks(f.samples, func(first uint64, leaves []merkle.Hash) error {
		copy(leaves, f.leaves[first:])
		return nil
	})
	return err
}

// pass reads all files once, on all processors, and gives the leaf hashes of samples to keep, which serves many goroutines at a
// time. A file that changes meanwhile is an error.
func (f *Files) pass(ctx context.Context, keep func(first uint64, leaves []merkle.Hash) error, progress func(done, total uint64)) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	span := f.span()
	var next, done atomic.Uint64
	var telling sync.Mutex
	var work sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			p := f.newPass(span)
			for {
				first := next.Add(1) - 1
				if first > f.samples/span || first*span >= f.samples || ctx.Err() != nil {
					return
				}
				first *= span
				leaves, err := p.hash(first, min(span, f.samples-first))
				if err == nil {
					err = keep(first, leaves)
				}
				if err != nil {
					stop(err)
					return
				}
				if n := done.Add(uint64(len(leaves))); progress != nil {
					telling.Lock()
					progress(n, f.samples)
					telling.Unlock()
				}
			}
		})
	}
	work.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return f.unchanged()
}

// Verify hashes all samples and refuses files that have another sample than was committed to.
func (f *Files) Verify(ctx context.Context, progress func(done, total uint64)) error {
	d, err := f.Dataset()
	if err != nil {
		return err
	}
	return f.pass(ctx, func(first uint64, leaves []merkle.Hash) error {
		ids := make([]int64, len(leaves))
		for i := range ids {
			ids[i] = int64(first) + int64(i)
		}
		return d.Check(leaves, ids)
	}, progress)
}

// unchanged refuses files that are not what they were when they were opened.
func (f *Files) unchanged() error {
	for _, s := range f.sources {
		if err := s.unchanged(); err != nil {
			return err
		}
	}
	return nil
}

// span is how many samples are hashed at a time.
func (f *Files) span() uint64 {
	each := int64(merkle.Size)
	for _, c := range f.columns {
		each += max(c.pitch, c.width/16)
	}
	return uint64(min(max(1, passBytes/each), 1<<16))
}

// pass is one processor's memory.
type pass struct {
	*Files
	hasher *job.SampleHasher
	bufs   [][]byte
	from   []int
	leaves []merkle.Hash
}

func (f *Files) newPass(span uint64) *pass {
	p := &pass{Files: f, hasher: f.layout.Hasher(), from: make([]int, len(f.columns)), leaves: make([]merkle.Hash, span)}
	for _, c := range f.columns {
		n := int64(span-1)*c.pitch + c.width
		if c.pitch > c.width { // windows with gaps, read one by one
			n = c.width
		}
		p.bufs = append(p.bufs, make([]byte, n))
	}
	return p
}

// hash hashes n samples.
func (p *pass) hash(first, n uint64) ([]merkle.Hash, error) {
	for at := first; at < first+n; {
		run := first + n - at // of samples that lie in one piece of every column
		for k := range p.columns {
			c := &p.columns[k]
			_, _, end := c.find(at)
			run = min(run, end-at)
			if c.pitch > c.width {
				run = 1
			}
		}
		for k := range p.columns {
			c := &p.columns[k]
			part, from, _ := c.find(at)
			bytes := p.bufs[k][:int64(run-1)*c.pitch+c.width]
			if err := part.readAt(bytes, from); err != nil {
				return nil, err
			}
		}
		if err := p.tokens(at, run); err != nil {
			return nil, err
		}
		for i := range run {
			for k := range p.columns {
				p.from[k] = int(int64(i) * p.columns[k].pitch)
			}
			p.leaves[at-first+i] = p.hasher.At(p.bufs, p.from)
		}
		at += run
	}
	return p.leaves[:n], nil
}

// tokens refuses tokens that no model has, of samples that were read.
func (p *pass) tokens(first, run uint64) error {
	t := p.layout.Tokens
	if t == nil || t.DType != safetensors.I32 {
		return nil
	}
	c := &p.columns[0]
	bytes := p.bufs[0][:int64(run-1)*c.pitch+c.width]
	for i := 3; i < len(bytes); i += 4 {
		if bytes[i]&0x80 != 0 {
			return fault.New(fault.OutOfRange, p.Place(first), "", "a token of 2^31 or more, or below 0, in sample %d or the next %d", first, run)
		}
	}
	return nil
}
