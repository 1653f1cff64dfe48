package gpu

import (
	"context"

	"github.com/verifyd/verifyd/verify/engine"
)

// Accelerator starts an accelerator with a memory of so many words in the child, for whoever needs less than an
// engine.
func (d *Device) Accelerator(ctx context.Context, words int) (engine.Accelerator, error) {
	return d.open(ctx, words)
}
