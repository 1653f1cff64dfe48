package metamorphic

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// Configuration is how a claim is judged. None of it may show.
type Configuration struct {
	Manner    Manner
	Devices   []engine.Device // in order of preference; at least two that serve, of different code paths
	Archive   bool            // from a tar file, or from the folder
	ReadAhead int             // bytes; 0 is the default
	Tight     bool            // no more memory than the claim needs
	Stored    Stored          // what becomes of results before they are used
	Order     []int           // in which segments are replayed apart, as a permutation to choose from
	Beside    int             // segments that are replayed at a time
	Twice     bool            // each segment is replayed on two code paths
	After     int             // results after which the process ends, or steps after which it is stopped
}

// Manner is who does what.
type Manner string

// The manners.
const (
	Whole   Manner = "whole"   // verify.Judge does all
	Cased   Manner = "cased"   // the documents are read first, and the case is judged by and by
	Apart   Manner = "apart"   // segments are replayed one by one and concluded afterwards
	Resumed Manner = "resumed" // a process ends after some results, and another one goes on
	Stopped Manner = "stopped" // whoever judges is called off after some steps, and judges again
)

// Stored is how results are kept.
type Stored string

// The ways to keep results.
const (
	Held   Stored = "held"   // in memory
	Plain  Stored = "plain"  // as JSON
	Signed Stored = "signed" // in an envelope, signed by the machine
)

// DrawConfiguration draws a configuration of devices, of which there are at least two code paths. Some of those
// drawn fail after some calls.
func DrawConfiguration(r *rand.Rand, devices []engine.Device) Configuration {
	c := Configuration{
		Manner: pick(r, Whole, Cased, Apart, Apart, Resumed, Stopped), Archive: one(r, 2),
		ReadAhead: pick(r, 0, 0, 1, 1<<20), Tight: one(r, 4), Stored: pick(r, Held, Plain, Signed),
		Order: r.Perm(64), Beside: 1 + r.IntN(3), Twice: one(r, 4), After: r.IntN(4),
	}
	first := pick(r, devices...)
	second := first
	for second.Path() == first.Path() {
		second = pick(r, devices...)
	}
	c.Devices = []engine.Device{first, second}
	for range r.IntN(3) {
		d := verifytest.FailAfter(pick(r, devices...), r.IntN(20))
		at := r.IntN(len(c.Devices) + 1)
		c.Devices = append(c.Devices[:at], append([]engine.Device{d}, c.Devices[at:]...)...)
	}
	return c
}

// Reference is the configuration that others are held against: the first of the devices and the first of another
// code path judge the folder whole.
func Reference(devices []engine.Device) Configuration {
	c := Configuration{Manner: Whole, Devices: devices[:1:1]}
	for _, d := range devices {
		if d.Path() != devices[0].Path() {
			c.Devices = append(c.Devices, d)
			break
		}
	}
	return c
}

// String is the configuration in words.
func (c Configuration) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on", c.Manner)
	for i, d := range c.Devices {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s", d.Name())
		if f, ok := d.(*verifytest.Failing); ok {
			fmt.Fprintf(&b, " (fails after %d calls)", f.Calls)
		}
	}
	if c.Archive {
		b.WriteString("; from an archive")
	}
	if c.ReadAhead > 0 {
		fmt.Fprintf(&b, "; %d bytes ahead", c.ReadAhead)
	}
	switch c.Manner {
	case Apart:
		fmt.Fprintf(&b, "; %d segments at a time, results %s", c.Beside, c.Stored)
		if c.Twice {
			b.WriteString(", each twice")
		}
	case Resumed:
		fmt.Fprintf(&b, "; after %d results, %s", c.After, c.Stored)
	case Stopped:
		fmt.Fprintf(&b, "; after %d steps", c.After)
	}
	return b.String()
}
