package cli

import (
	"fmt"
	"io"

	"github.com/verifyd/verifyd/verify/odds"
)

// oddsText prints odds: of one lie, which is the unit, with and without the gate, then of more.
func oddsText(w io.Writer, o odds.Odds) {
	for _, l := range o.Lies {
		switch {
		case l.Share != "":
			row(w, l.Share+" lies", fmt.Sprintf("%d segments, would be caught with probability %s", l.Lies, l.Caught))
		case l.Lies == 1:
			row(w, "one lie", fmt.Sprintf("would be caught with probability %s = %s by chance; %s", o.Lie, l.Caught, standsFor(o)))
			gateText(w, o)
		default:
			row(w, fmt.Sprintf("%d lies", l.Lies), "would be caught with probability "+l.Caught)
		}
	}
}

// gateText prints what the gate adds to the odds of one lie, if that was measured.
func gateText(w io.Writer, o odds.Odds) {
	if m := o.Measured; m != (odds.Measured{}) {
		row(w, "with the gate", fmt.Sprintf("%s, as far as was measured of %s", m.Caught, m.Gate))
	}
}

// standsFor says what one lie can save.
func standsFor(o odds.Odds) string {
	if o.Measured == (odds.Measured{}) {
		return "without a gate it can stand for all the work"
	}
	return "but for the gate it can stand for all the work"
}
