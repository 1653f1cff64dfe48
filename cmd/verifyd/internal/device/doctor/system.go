package doctor

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/cgo"
)

// System is what can be seen of a machine's GPUs without computing on them.
type System struct {
	Driver Driver
	GPUs   []cgo.Info
	Err    error // what Driver.Missing says, of a class of package cgo

	monitor *cgo.Monitor // nil without NVML
}

// Look asks the driver and NVML. That there are none is no error: the report says so. The caller closes the
// result.
func Look(ctx context.Context, options cgo.Options) *System {
	s := &System{}
	driver, err := cgo.Open(ctx, options)
	if err != nil {
		s.Driver.Missing, s.Err = err.Error(), err
		return s
	}
	s.Driver.CUDA = fmt.Sprintf("%d.%d", driver.Version()/1000, driver.Version()%1000/10)
	if s.GPUs, err = driver.Devices(ctx); err != nil {
		s.Driver.Missing, s.Err = err.Error(), err
		return s
	}
	if s.monitor, err = cgo.OpenMonitor(ctx, options); err != nil {
		s.Driver.NoNVML = err.Error()
		return s
	}
	s.Driver.Version = s.monitor.Driver()
	return s
}

// Close stops NVML.
func (s *System) Close(ctx context.Context) error {
	if s.monitor == nil {
		return nil
	}
	return s.monitor.Close(ctx)
}

// watch collects the critical errors of a GPU, each once, until the returned function is called.
func (s *System) watch(ctx context.Context, uuid string) (stop func() []cgo.Xid) {
	if s.monitor == nil {
		return func() []cgo.Xid { return nil }
	}
	ctx, cancel := context.WithCancel(ctx)
	var xids []cgo.Xid
	done := make(chan struct{})
	go func() {
		defer close(done)
		// A device that reports none is as good as one that has had none.
		_ = s.monitor.Watch(ctx, uuid, func(x cgo.Xid) {
			if !slices.Contains(xids, x) {
				xids = append(xids, x)
			}
		})
	}()
	return func() []cgo.Xid {
		cancel()
		<-done
		return xids
	}
}

// health reads the sensors of a GPU, and is nil where that cannot be.
func (s *System) health(ctx context.Context, uuid string) *Health {
	if s.monitor == nil {
		return nil
	}
	h, err := s.monitor.Health(ctx, uuid)
	if err != nil {
		return nil
	}
	health := Health(h)
	return &health
}

// describe is a GPU as a report has it.
func describe(i cgo.Info) *GPU {
	return &GPU{
		Model: i.Name, UUID: i.UUID, PCI: i.PCI, Memory: i.Memory,
		Capability: fmt.Sprintf("%d.%d", i.Major, i.Minor), SMs: i.SMs, ECC: i.ECC,
	}
}

// processor is the name of the CPU as Linux prints it, or the architecture.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
