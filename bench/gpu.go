package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/verifyd/verifyd/cgo"
	"github.com/verifyd/verifyd/kernels"
)

// gpuSession is a run of the benchmarks on a GPU.
type gpuSession struct {
	*session
	card  *card
	top   *ceilings
	copy  float64 // bandwidth of the driver's own copy on the device, bytes read and written a second
	torch *Peer   // nil without PyTorch
}

// runGPU measures a GPU. PyTorch that is not there is left out, and the report says why. A group that fails does
// not hide the others: the report comes with the error.
func runGPU(ctx context.Context, o Options) (report *Report, err error) {
	s := &gpuSession{session: &session{options: o}}
	if s.dir, err = os.MkdirTemp("", "verifyd-bench-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	ordinal, err := ordinalOf(o.Device)
	if err != nil {
		return nil, err
	}
	if s.card, err = openCard(ctx, o.driver, ordinal); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.card.close(ctx)) }()
	if s.cpus[1], err = kernels.NewCPU(kernels.Options{Threads: 2}); err != nil {
		return nil, err
	}
	defer s.cpus[1].Close()
	info := s.card.device.Info()
	s.top = ceilingsOf(info)
	s.report = &Report{Machine: describe(ctx, s.cpus[1].ISA().String()), Device: deviceOf(ctx, o.driver, info), Quick: o.Quick, Peers: []string{}}
	if o.Commit != "" {
		s.report.Machine.Commit = o.Commit
	}
	if s.torch, err = s.startPeer(ctx); err != nil {
		s.report.Peers = append(s.report.Peers, "PyTorch left out: "+strings.ReplaceAll(err.Error(), "\n", "; "))
	} else if s.torch != nil {
		defer s.torch.Close()
		s.report.Peers = append(s.report.Peers, s.torch.Version)
	}
	var failures []error
	mayFail := func(name string, measure func(context.Context) error) group {
		return group{name, func(ctx context.Context) error {
			err := measure(ctx)
			if err != nil && ctx.Err() == nil { // the others may do better
				failures = append(failures, fmt.Errorf("%s: %w", name, err))
				s.add(Row{Group: name, Name: name, Note: "failed: " + err.Error()})
				return nil
			}
			return err
		}}
	}
	err = s.measure(ctx, []group{
		mayFail("copy", s.measureCopy),
		mayFail("gemm", s.measureGemm),
		mayFail("operators", s.measureOperators),
		mayFail("hash", s.measureHash),
		mayFail("overhead", s.measureOverhead),
		mayFail("train", s.measureTrain),
		mayFail("gpt2", s.measureGPT2),
	})
	s.report.Machine.LoadLate = loadAverage()
	return s.report, errors.Join(append(failures, err)...)
}

func (s *gpuSession) startPeer(ctx context.Context) (*Peer, error) {
	if s.options.NoPeers || s.options.Quick {
		return nil, nil
	}
	return startTorchGPU(ctx, s.dir, s.card.device.Info().Ordinal)
}

// ordinalOf reads "cuda:N".
func ordinalOf(name string) (int, error) {
	digits, ok := strings.CutPrefix(name, "cuda:")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil {
		return 0, fmt.Errorf("device %q: want cpu or cuda:N", name)
	}
	return int(n), nil
}

// GPU is the device that a report is about.
type GPU struct {
	cgo.Info
	KernelDriver string `json:",omitempty"` // as NVML tells
}

func deviceOf(ctx context.Context, options cgo.Options, info cgo.Info) *GPU {
	g := &GPU{Info: info}
	m, err := cgo.OpenMonitor(ctx, options)
	if err != nil {
		return g // the report does without
	}
	g.KernelDriver = m.Driver()
	_ = m.Close(ctx)
	return g
}

// byDevice are samples by the device's clock instead of the host's.
func byDevice(samples []Sample) []Sample {
	all := make([]Sample, len(samples))
	for i, s := range samples {
		all[i] = Sample{Wall: s.Device}
	}
	return all
}

// versus makes a row of our samples against the peer's, if there is one.
func (s *gpuSession) versus(group, name string, ours []Sample, peers [][]Sample) Row {
	return s.compare(group, name, 0, ours, peers, "PyTorch")
}

// contenders are ours and, if there is a peer, the peer's answer to a command.
func (s *gpuSession) contenders(ours Contender, command string) []Contender {
	all := []Contender{ours}
	if s.torch != nil {
		all = append(all, Contender{Name: s.torch.Version, Run: func() (Sample, error) { return s.torch.TimeDevice(command) }})
	}
	return all
}
