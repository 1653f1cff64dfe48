package verify

import (
	"context"
	"crypto"
	"errors"
	"slices"

	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
)

// ResultVersion is the only version of results that this version of verifyd knows.
const ResultVersion = "verifyd-result/1"

const resultKind = document.Kind("result")

// Result is what one device found in one segment of a case. It can be stored, and sent between machines that
// share a source. Whoever can write a result can make a claim pass: between machines it travels signed.
type Result struct {
	Version  string      `json:"version"`
	Case     merkle.Hash `json:"case"` // Case.ID
	Segment  uint64      `json:"segment"`
	Steps    uint64      `json:"steps"`              // that agree with their leaves, before the mismatch if there is one
	Device   string      `json:"device"`             // its name
	Path     string      `json:"path"`               // its code path: devices of one path may be wrong together
	Mismatch *Mismatch   `json:"mismatch,omitempty"` // where the next step departs from its leaf
	Measure  *Measure    `json:"measure,omitempty"`  // what the gate says; none with a mismatch
	Verifier merkle.Hash `json:"verifier,omitzero"`  // key id of whoever will conclude
	Imprint  merkle.Hash `json:"imprint,omitzero"`   // as Imprint says; none without a verifier
}

// Mismatch is the first place at which a replay departs from a claim.
type Mismatch struct {
	Reason Reason `json:"reason"`
	Difference
	Found merkle.Hash `json:"found"` // hash of the leaf that the replay computed; zero if it computed none
}

// Sign returns the envelope of r, signed by the machine that replayed.
func (r Result) Sign(signer crypto.Signer) ([]byte, error) {
	return document.Sign(resultKind, r, signer)
}

// ReadResult reads a result that machine signed. Errors begin with file. Whether it is one of a case,
// [Case.Conclude] says.
func ReadResult(file string, data []byte, machine document.Key) (Result, error) {
	r, _, err := document.Read[Result](file, data, resultKind, machine)
	if err != nil {
		return Result{}, err
	}
	return r, nil
}

// Replay runs one opened segment again on a device. Segments may be replayed side by side, on one device or
// on several. The verifier is the key id of whoever will sign the verdict, whose imprint the result holds; the zero
// hash is nobody's, and leaves none. An error of class engine.ErrDevice blames the device; any other means that the
// segment cannot be read, or holds numbers that are not finite.
func (c *Case) Replay(ctx context.Context, segment uint64, d engine.Device, verifier merkle.Hash) (Result, error) {
	if err := c.answered(); err != nil {
		return Result{}, err
	}
	r := run{Case: c, Options: Options{Verifier: verifier}}
	on, err := r.replayer(ctx, d)
	if err != nil {
		return Result{}, err
	}
	defer on.Close(ctx) // what it has computed stands
	if err := r.replayOn(ctx, on, d, []uint64{segment}); err != nil {
		return Result{}, err
	}
	return r.results[0], nil
}

// openedOf are the worker's answers for segments, ascending.
func (c *Case) openedOf(segments []uint64) ([]OpenedSegment, error) {
	if err := c.answered(); err != nil {
		return nil, err
	}
	var all []OpenedSegment
	for _, s := range c.opening.Segments {
		if slices.Contains(segments, s.Segment) {
			all = append(all, s)
		}
	}
	if len(all) != len(segments) {
		return nil, outOfRange("", "segments %d: not all of them are opened", segments)
	}
	return all, nil
}

// answered says why nothing of the case can be replayed.
func (c *Case) answered() error {
	switch {
	case c.ruling != nil:
		return errors.New("there is nothing to replay: the case is decided without")
	case !c.Challenge.Audited:
		return errors.New("there is nothing to replay: the beacon did not draw the claim for audit")
	case c.opening == nil:
		return c.missing
	}
	return nil
}

func outOfRange(field, format string, args ...any) error {
	return fault.New(fault.OutOfRange, "", field, format, args...)
}

// belongs refuses a result that no replay of this case can give.
func (c *Case) belongs(r *Result) error {
	if c.opening == nil {
		return c.answered()
	}
	_, count := c.Terms.Job.Segment(r.Segment)
	switch {
	case r.Version != ResultVersion:
		return fault.New(fault.UnknownVersion, "", "version", "%.60q, %q is needed", r.Version, ResultVersion)
	case r.Case != c.ID():
		return fault.New(fault.WrongCase, "", "case", "%v, this one is %v", r.Case, c.ID())
	case !c.opening.opens(r.Segment):
		return outOfRange("segment", "%d was not opened", r.Segment)
	case r.Device == "" || r.Path == "":
		return outOfRange("device, path", "empty")
	case r.Mismatch == nil && r.Steps != count:
		return outOfRange("steps", "%d, segment %d has %d", r.Steps, r.Segment, count)
	case r.Mismatch != nil && r.Steps >= count:
		return outOfRange("steps", "%d agree before a mismatch, segment %d has %d", r.Steps, r.Segment, count)
	case r.Mismatch != nil:
		if err := c.possible(r); err != nil {
			return err
		}
	}
	if err := r.measured(); err != nil {
		return err
	}
	return c.imprinted(r)
}

// possible refuses a mismatch that no replay can find.
func (c *Case) possible(r *Result) error {
	first, _ := c.Terms.Job.Segment(r.Segment)
	switch m := r.Mismatch; {
	case m.Segment != r.Segment || m.Step != first+r.Steps:
		return outOfRange("mismatch", "in step %d of segment %d, %d steps of segment %d agree", m.Step, m.Segment, r.Steps, r.Segment)
	case !slices.Contains(replayed, m.Reason):
		return outOfRange("mismatch: reason", "%.60q is none that a replay finds", string(m.Reason))
	}
	return nil
}

// replayed are the reasons that a replay finds.
var replayed = []Reason{
	Malformed, WrongState, WrongDigests, WrongSample, WrongBatch, WrongGradient, WrongLoss, WrongClip, WrongUpdate, NotFinite,
}
