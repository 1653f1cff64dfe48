package program

import (
	"errors"
	"fmt"
	"math"

	"github.com/verifyd/verifyd/kernels"
	"github.com/verifyd/verifyd/verify/fault"
)

// checkStep refuses a step whose random-number counters do not fit 32 bits.
func (p *Plan) checkStep(t uint64) error {
	if limit := min((MaxSteps-p.drawn)/uint64(p.accum), MaxSteps-p.first); t >= limit {
		return fault.In(what, outOfRange("step", "%d is not below %d", t, limit))
	}
	return nil
}

// checkBatch refuses ids and labels outside their ranges before anything runs.
func (p *Plan) checkBatch(rows []kernels.Buf) error {
	var errs error
	for _, l := range p.idLimits {
		errs = errors.Join(errs, below(p.rows[l.input].Name, rows[l.input].I, p.rows[l.input], l.vocab, nil, l.node))
	}
	if p.classes > 0 {
		errs = errors.Join(errs, below("y", rows[len(rows)-1].I, p.Y(), p.classes, p.ignored, "the loss"))
	}
	return errs
}

// below refuses indices outside [0, limit) that are not ignored, naming the row of the first.
func below(field string, ids []int32, spec TensorSpec, limit int, ignored *int32, user string) error {
	top := uint32(min(limit, math.MaxInt32))
	for i, id := range ids {
		if uint32(id) >= top && (ignored == nil || id != *ignored) {
			return fault.In(what, outOfRange(fmt.Sprintf("%s: row %d", field, i/(len(ids)/spec.Shape[0])), "%d is outside 0 to %d, the range of %s", id, limit-1, user))
		}
	}
	return nil
}
