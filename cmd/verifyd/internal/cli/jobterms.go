package cli

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/odds"
)

// settle fills in how much is drawn, if no flag says it, and says whether a lie pays if pay and cost are known. Terms
// under which one does are refused unless that is accepted.
func (o *jobOptions) settle(cmd *cobra.Command) (*conditionsView, error) {
	given := cmd.Flags().Changed
	if o.steps < 1 || o.steps > job.MaxSteps || o.stride < 1 || o.stride > job.MaxStride {
		return nil, nil // which the job is refused for
	}
	if !(o.audit >= 1.0/job.Millionths && o.audit <= 1) {
		return nil, usageError{fmt.Errorf("--audit %v: a share from 0.000001 to 1 is needed", o.audit)}
	}
	n := (o.steps + o.stride - 1) / o.stride
	drawn := given("sampled")
	if !drawn {
		least, most := odds.Usual(n)
		o.sampled = segmentRange{Least: uint32(least), Most: uint32(most)}
	}
	if !o.asked(cmd) {
		return nil, nil
	}
	if !given("pay") || !given("cost") {
		return nil, usageError{errors.New("--pay and --cost belong together, and --bond, --miss and --gate-power to them")}
	}
	t := odds.Terms{
		Pay: o.pay.Rat, Cost: o.cost.Rat, Bond: o.bond.Rat, Hold: uint64(o.hold), Segments: n,
		Least: uint64(o.sampled.Least), Most: uint64(o.sampled.Most),
		Audit: millionths(uint32(math.Round(o.audit * job.Millionths))), Miss: o.miss.Rat, Power: o.power.Rat,
	}
	if err := t.Check(); err != nil {
		return nil, usageError{err}
	}
	t, err := t.Solve(false, !drawn, false)
	if err != nil {
		return nil, err
	}
	o.sampled = segmentRange(drawnRange(t))
	v := conditionsOf(t)
	if !v.Met && !o.acceptRisk {
		return nil, hint(errors.New("under these terms a lie pays: nothing was signed"),
			"alone would do: %s; verifyd plan says more; --accept-risk signs it all the same", strings.Join(v.Alone, ", or "))
	}
	return &v, nil
}
