package bench

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/verifyd/verifyd/kernels"
)

//go:embed peers/openblas.c
var openblasSource []byte

// startOpenBLAS compiles peers/openblas.c into dir, once, and starts it with the threads.
func startOpenBLAS(ctx context.Context, dir string, threads int) (*Peer, error) {
	program := filepath.Join(dir, "openblas")
	if _, err := os.Stat(program); errors.Is(err, os.ErrNotExist) {
		source := program + ".c"
		if err := os.WriteFile(source, openblasSource, 0o644); err != nil {
			return nil, err
		}
		out, err := exec.CommandContext(ctx, "cc", "-O2", "-o", program, source, "-lopenblas").CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%w: OpenBLAS: install a C compiler and libopenblas-dev (Debian, Ubuntu): %w\n%s", ErrNoPeer, err, out)
		}
	}
	return startPeer(ctx, []string{fmt.Sprintf("OPENBLAS_NUM_THREADS=%d", threads)}, program)
}

// gemmCase is a product with its operands and the two CPUs that run it.
type gemmCase struct {
	op    kernels.Gemm
	bufs  []kernels.Buf
	sizes string // "M N K"
}

func newGemmCase(m, n, k int) gemmCase {
	bufs := []kernels.Buf{{F: hashed(m*k, 1)}, {F: hashed(k*n, 2)}, {F: make([]float32, m*n)}}
	return gemmCase{op: kernels.Gemm{M: m, N: n, K: k, Profile: kernels.ProfileF32}, bufs: bufs, sizes: fmt.Sprintf("%d %d %d", m, n, k)}
}

// ours is the product on a CPU of this package.
func (g gemmCase) ours(cpu *kernels.CPU, reps int) Contender {
	return Contender{Name: fmt.Sprintf("verifyd, %d threads", cpu.Threads()), Run: func() (Sample, error) {
		return timed(reps, func() error { return cpu.Run(g.op, g.bufs) })
	}}
}

// peer is the product in OpenBLAS.
func (g gemmCase) peer(p *Peer, reps int) Contender {
	return Contender{Name: p.Version, Run: func() (Sample, error) {
		return p.Time(fmt.Sprintf("gemm %s %d", g.sizes, reps))
	}}
}

// agree makes both sides compute the product and compares the corners, so that what is timed is the same work.
func (g gemmCase) agree(cpu *kernels.CPU, p *Peer) error {
	if err := cpu.Run(g.op, g.bufs); err != nil {
		return err
	}
	var theirs [4]float64
	if err := p.Ask("check "+g.sizes, &theirs[0], &theirs[1], &theirs[2], &theirs[3]); err != nil {
		return err
	}
	c, last := g.bufs[2].F, (g.op.M-1)*g.op.N
	for i, at := range [4]int{0, g.op.N - 1, last, last + g.op.N - 1} {
		// Elements are sums of K products of variance 1/144; binary32 sums differ by far less than this.
		if d := math.Abs(float64(c[at]) - theirs[i]); !(d <= 1e-4*math.Sqrt(float64(g.op.K))) {
			return fmt.Errorf("gemm %s: element %d is %g here and %g in %s", g.sizes, at, c[at], theirs[i], p.Version)
		}
	}
	return nil
}

// hashed fills n elements with value(i, seed) of peers/openblas.c.
func hashed(n int, seed uint64) []float32 {
	v := make([]float32, n)
	for i := range v {
		z := (uint64(i)+1)*0x9e3779b97f4a7c15 + seed<<32
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		v[i] = float32(z>>40)*0x1p-24 - 0.5
	}
	return v
}

// measureGemm compares products of each size with OpenBLAS on one thread, and both with themselves on two.
func (s *session) measureGemm(ctx context.Context) error {
	sizes := [][3]int{{1024, 1024, 1024}, {4096, 1024, 1024}}
	rounds, warm := s.rounds(25)
	settle := 30 * time.Millisecond
	if s.options.Quick {
		sizes, settle = [][3]int{{33, 65, 129}}, 0
	}
	var peers []*Peer
	defer func() {
		for _, p := range peers {
			p.Close()
		}
	}()
	if !s.options.NoPeers {
		for _, threads := range []int{1, 2} {
			p, err := startOpenBLAS(ctx, s.dir, threads)
			if err != nil {
				return err
			}
			s.report.Peers = append(s.report.Peers, p.Version)
			peers = append(peers, p)
		}
	}
	for _, mnk := range sizes {
		g := newGemmCase(mnk[0], mnk[1], mnk[2])
		work := 2 * float64(g.op.M) * float64(g.op.N) * float64(g.op.K)
		reps := max(1, int(5e9/work))
		if s.options.Quick {
			reps = 1
		}
		contenders := []Contender{g.ours(s.cpus[0], reps), g.ours(s.cpus[1], reps)}
		for _, p := range peers {
			if err := g.agree(s.cpus[0], p); err != nil {
				return err
			}
			contenders = append(contenders, g.peer(p, reps))
		}
		samples, err := Alternate(rounds, warm, settle, contenders...)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("GEMM %dx%dx%d", g.op.M, g.op.N, g.op.K)
		row := s.compare("gemm", name, 1, samples[0], samples[2:], "OpenBLAS")
		row.Work, row.Unit, row.Limit = work, "flop", 0.9
		s.add(row)
		scaling := s.compare("gemm", name+", two threads over one", 2, samples[1], samples[:1], "verifyd, 1 thread")
		scaling.Work, scaling.Unit, scaling.Limit = work, "flop", 1.8
		if len(peers) == 2 {
			scaling.Note = fmt.Sprintf("OpenBLAS scaled by %.2f in the same rounds", ratioOf(samples[3], samples[2]).Median)
		}
		s.add(scaling)
	}
	return nil
}
