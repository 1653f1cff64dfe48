package device

import (
	"context"
	"errors"

	"github.com/verifyd/verifyd/verify/engine"
)

// Compute has work done that runs operators in memories of a device. A GPU that was not asked for by its name gives
// way to the processor where it fails or has no kernel: the work is done again, from the start.
func (s *Set) Compute(ctx context.Context, work func(engine.Device) error) error {
	own := ofCPU(s.own)
	if s.gpu == nil {
		return work(own)
	}
	err := work(s.gpu)
	if s.named || err == nil || ctx.Err() != nil || !errors.Is(err, engine.ErrDevice) {
		return err
	}
	s.log.Warn(s.gpu.Name()+" cannot do it, "+own.Name()+" does", "error", err)
	return work(own)
}

// Processor is this machine's processor on the code path that was asked for.
func (s *Set) Processor() *engine.CPU { return ofCPU(s.own) }
