package job

import (
	"fmt"
	"net/url"

	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/state"
)

// The limits of what a job starts from.
const (
	MaxFile   = 1 << 40 // bytes of a file that is fetched
	MaxURLs   = 8
	MaxURL    = 1024    // characters of one
	lastStart = 1 << 31 // of the counters that a job begins with: those of its steps fit behind
)

// Init fixes the state before step 0: what the program draws from a seed, in its place a base, and in place of both, for all
// that steps move, the state that another claim ended with.
type Init struct {
	Root  merkle.Hash `json:"root"`
	Seed  uint64      `json:"seed,string"`     // draws what neither of the others has
	Base  *Committed  `json:"base,omitempty"`  // parameters and buffers, frozen ones too; slots start at zero
	Final *Final      `json:"final,omitempty"` // parameters that are trained, their slots, and buffers
}

// Committed is a file that training starts from.
type Committed struct {
	Root merkle.Hash `json:"root"`           // of its tensors
	Size uint64      `json:"size"`           // bytes of the file
	URLs []string    `json:"urls,omitempty"` // where it can be fetched, http or https; none: it is handed over with the job
}

// Final is the state that another claim ended with. Its root is the claim's final.
type Final struct {
	Committed
	// Counters are those of that state, if they go on: schedule, optimizer and random numbers begin where they ended, and
	// the root of the start is that of the final state. Without them they begin at zero again, and the slots are kept.
	Counters *state.Counters `json:"counters,omitempty"`
}

// Begins are the counters of the state before step 0.
func (i *Init) Begins() state.Counters {
	if i.Final == nil || i.Final.Counters == nil {
		return state.Counters{}
	}
	return *i.Final.Counters
}

func (i *Init) check() error {
	if i.Base != nil {
		if err := i.Base.check(); err != nil {
			return fault.Under("base", err)
		}
	}
	if i.Final == nil {
		return nil
	}
	err := i.Final.check()
	if err == nil && i.Final.Counters != nil && i.Root != i.Final.Root {
		err = fault.New(fault.BadTerms, "", "root", "%v, the job begins with %v: counters that go on are those of the same state", i.Final.Root, i.Root)
	}
	if err != nil {
		return fault.Under("final", err)
	}
	return nil
}

func (f *Final) check() error {
	if err := f.Committed.check(); err != nil || f.Counters == nil {
		return err
	}
	c := f.Counters
	for _, v := range []struct {
		field        string
		got, lo, top uint64
	}{{"step", c.Step, 1, lastStart}, {"rng", c.RNG, 0, lastStart}, {"cursor", c.Cursor, 1, 1 << 62}} {
		if v.got < v.lo || v.got > v.top {
			return fault.New(fault.BadTerms, "", "counters: "+v.field, "%d is outside %d to %d", v.got, v.lo, v.top)
		}
	}
	if c.Assignment == (merkle.Hash{}) {
		return fault.New(fault.BadTerms, "", "counters: assignment", "zero: no claim ended so")
	}
	return nil
}

func (c *Committed) check() error {
	switch {
	case c.Root == (merkle.Hash{}):
		return fault.New(fault.BadTerms, "", "root", "zero")
	case c.Size < 1 || c.Size > MaxFile:
		return fault.New(fault.BadTerms, "", "size", "%d is outside 1 to %d", c.Size, uint64(MaxFile))
	case len(c.URLs) > MaxURLs:
		return fault.New(fault.BadTerms, "", "urls", "%d, the limit is %d", len(c.URLs), MaxURLs)
	}
	for k, text := range c.URLs {
		if err := checkURL(text); err != nil {
			return fault.Under(fmt.Sprintf("urls[%d]", k), err)
		}
	}
	return nil
}

// checkURL refuses what is no plain address on the web: none leads to a file of whoever fetches, or gives a name and a password.
func checkURL(text string) error {
	if len(text) > MaxURL {
		return fault.New(fault.BadTerms, "", "", "%d characters, the limit is %d", len(text), MaxURL)
	}
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return fault.New(fault.BadTerms, "", "", "%.80q is no URL", text)
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "", u.User != nil, u.Fragment != "", u.Opaque != "":
		return fault.New(fault.BadTerms, "", "", "%.80q: want http or https, a host and a path, without a user or a fragment", text)
	}
	return nil
}
