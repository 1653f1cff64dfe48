package metamorphic

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
)

// PerClaim is how many histories tell of one claim.
const PerClaim = 4

// Tally counts histories by what they are about: the kinds of nodes, the truth, the manner.
type Tally map[string]uint64

func (t Tally) add(c *Claim, how Configuration) {
	t["histories"]++
	t["manner "+string(how.Manner)]++
	reason := c.Truth.Reason
	if c.Truth.Outcome == "" {
		reason = unreadable
	}
	t["reason "+string(reason)]++
	if reason == verify.Honest && c.forged {
		t["forged, but not where it is replayed"]++
	}
	if len(c.Pool.Walk.Paths) > 0 {
		t["walked beyond what was drawn"]++
	}
	if c.Truth.Noted {
		t["passes with a note"]++
	}
	if len(c.Pool.Terms.Program().Groups) > 0 {
		t["groups of parameters"]++
	}
	for _, n := range c.Pool.Terms.Program().Graph.Nodes {
		t["node "+n.Op.Kind()]++
	}
}

// unreadable stands in a tally for claims that cannot be judged.
const unreadable = verify.Reason("unreadable")

// Add adds another tally.
func (t Tally) Add(other Tally) {
	for what, n := range other {
		t[what] += n
	}
}

// Run tells histories: those of the numbers from first to first+count-1, claim after claim. It returns an error for
// the first that does not end as it must.
func Run(ctx context.Context, w Workshop, devices []engine.Device, first, count uint64) (Tally, error) {
	t := Tally{}
	for at := first; at < first+count; at += PerClaim - at%PerClaim {
		if err := w.tell(ctx, devices, at, first+count, t); err != nil {
			return t, err
		}
	}
	return t, nil
}

// Wrong is a history that does not end as it must.
type Wrong struct {
	Number        uint64
	Claim         string
	Configuration string // "" if the reference itself is wrong
	Got, Want     string
}

// Error implements error.
func (w *Wrong) Error() string {
	return fmt.Sprintf("history %d: %s\n  judged %s\n  gives %s\n  want  %s", w.Number, w.Claim, w.Configuration, w.Got, w.Want)
}

// tell tells the histories of one claim from number on, below limit.
func (w *Workshop) tell(ctx context.Context, devices []engine.Device, number, limit uint64, t Tally) error {
	c, err := w.Draw(ctx, number/PerClaim)
	if err != nil {
		return err
	}
	defer c.Close()
	reference := Reference(devices)
	want, err := c.Judge(ctx, reference)
	if err != nil {
		return fmt.Errorf("history %d: %s: %w", number, c.What, err)
	}
	if !want.is(c.Truth) {
		return &Wrong{number, c.What, reference.String(), want.String(), c.Truth.String()}
	}
	for limit = min(limit, number-number%PerClaim+PerClaim); number < limit; number++ {
		how := DrawConfiguration(rand.New(rand.NewPCG(number, 1<<32)), devices)
		t.add(c, how)
		got, err := c.Judge(ctx, how)
		if err != nil {
			return fmt.Errorf("history %d: %s, judged %s: %w", number, c.What, how, err)
		}
		if !got.same(want) {
			return &Wrong{number, c.What, how.String(), got.String(), want.String()}
		}
		if err := w.again(ctx, c, how.Devices[0], number); err != nil {
			return err
		}
	}
	return nil
}

// again trains once more, on a device of the history, now and then: the claim is the same one.
func (w *Workshop) again(ctx context.Context, c *Claim, d engine.Device, number uint64) error {
	if c.work.Steps == 0 || number%PerClaim != number/PerClaim%PerClaim {
		return nil
	}
	dir := filepath.Join(c.dir, "again")
	s, err := c.Pool.Train(ctx, d, dir)
	if errors.Is(err, engine.ErrDevice) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("history %d: %s, trained on %s: %w", number, c.What, d.Name(), err)
	}
	if s != c.work {
		return &Wrong{number, c.What, "trained on " + d.Name(), fmt.Sprintf("%+v", s), fmt.Sprintf("%+v", c.work)}
	}
	return nil
}

// same says that two runs gave the same bytes.
func (j Judged) same(other Judged) bool {
	return j.Finding == other.Finding && j.Evidence == other.Evidence && j.Err == other.Err && j.Class == other.Class &&
		slices.Equal(j.Imprints, other.Imprints)
}

// is says whether a run found the truth. What cannot be read is never blamed on the machine.
func (j Judged) is(t Truth) bool {
	if t.Outcome == "" {
		return j.Err != "" && j.Class.Blames() != fault.Machine
	}
	return j.Err == "" && t.meets(j.found)
}

// String is what was found.
func (j Judged) String() string {
	if j.Err != "" {
		return fmt.Sprintf("error of class %s: %s", j.Class, j.Err)
	}
	return fmt.Sprintf("evidence %v, imprints %v, %s", j.Evidence, j.Imprints, j.Finding)
}
