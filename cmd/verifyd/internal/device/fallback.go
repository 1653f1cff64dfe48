package device

import (
	"context"
	"errors"
	"log/slog"

	"github.com/verifyd/verifyd/verify/engine"
)

// First does work that nobody has to confirm. A GPU that was not asked for by its name gives way to the processor
// where it cannot do it.
func (s *Set) First() engine.Device {
	if s.named || len(s.order) < 3 {
		return s.order[0]
	}
	return &fallback{s.order[0], s.order[1], s.log}
}

// fallback starts engines on a second device where the first cannot.
type fallback struct {
	engine.Device
	second engine.Device
	log    *slog.Logger
}

// Start takes the second device only if the fault is the first one's, not the program's.
func (d *fallback) Start(ctx context.Context, s *engine.Spec) (engine.Engine, error) {
	e, err := d.Device.Start(ctx, s)
	if err == nil || ctx.Err() != nil || !errors.Is(err, engine.ErrDevice) {
		return e, err
	}
	d.log.Warn(d.Name()+" cannot do it, "+d.second.Name()+" does", "error", err)
	return d.second.Start(ctx, s)
}
