package metamorphic

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"strings"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/fault"
	"github.com/verifyd/verifyd/verify/merkle"
	"github.com/verifyd/verifyd/verify/verifytest"
)

// Judged is what a run says: a finding with its evidence and the verifier's imprints, or an error.
type Judged struct {
	Finding  string // canonical JSON
	Evidence merkle.Hash
	Imprints []verify.Imprint
	Err      string
	Class    fault.Class // of the error

	found verify.Finding
}

// Judge judges the claim under a configuration. An error means that the history could not be told.
func (c *Claim) Judge(ctx context.Context, how Configuration) (Judged, error) {
	verifier, id, err := verifierKey()
	if err != nil {
		return Judged{}, err
	}
	v, err := c.judge(ctx, how, id)
	if err != nil {
		if v != nil {
			return Judged{}, fmt.Errorf("a verdict beside an error: %w", err)
		}
		// An archive without a job is none: it is refused before it is a source, under its name.
		return Judged{Err: strings.TrimPrefix(err.Error(), "bundle: "+c.archive+": "), Class: fault.Of(err)}, nil
	}
	if _, err := v.Sign(verifier); err != nil {
		return Judged{}, err // without the imprints that it must have
	}
	finding, err := document.Encode(v.Finding)
	return Judged{Finding: string(finding), Evidence: v.Evidence, Imprints: v.Imprints, found: v.Finding}, err
}

// verifierKey is that of whoever judges, in whatever way: neither a pool's operator nor its worker, keys 1 and 2.
func verifierKey() (key crypto.Signer, id merkle.Hash, err error) {
	if key, err = verifytest.NewKey(3); err != nil {
		return nil, id, err
	}
	public, err := verifytest.KeyOf(key)
	return key, public.ID(), err
}

func (c *Claim) judge(ctx context.Context, how Configuration, verifier merkle.Hash) (*verify.Verdict, error) {
	path := c.bundle
	if how.Archive {
		path = c.archive
	}
	o := verify.Options{Devices: how.Devices, Verifier: verifier, ReadAhead: how.ReadAhead, Now: c.now}
	if how.Tight {
		o.MaxMemory = c.Pool.Terms.MemoryBytes()
	}
	operator := c.Pool.Terms.Job.Operator
	switch how.Manner {
	case Stopped:
		if v, err := stopped(ctx, path, operator, o, how.After); !calledOff(err) {
			return v, err
		}
		fallthrough
	case Whole:
		return verify.Judge(ctx, path, operator, o)
	}
	bundle, err := verify.OpenBundle(path)
	if err != nil {
		return nil, err
	}
	defer bundle.Close()
	opened, err := verify.OpenCase(ctx, bundle, operator)
	if err != nil {
		return nil, err
	}
	r := &replays{Case: opened, how: how, machine: c.Pool.Operator, verifier: o.Verifier}
	var v *verify.Verdict
	switch how.Manner {
	case Cased:
		v, err = opened.Judge(ctx, o)
	case Apart:
		v, err = r.apart(ctx, c)
	case Resumed:
		o.Results = r.begin(ctx)
		v, err = verify.Judge(ctx, path, operator, o) // another process, which reads the bundle anew
	}
	if err != nil {
		return nil, err
	}
	return v, opened.Check(v)
}

// stopped judges until some steps are done.
func stopped(ctx context.Context, path string, operator document.Key, o verify.Options, after int) (*verify.Verdict, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	o.Progress = func(done, _ uint64) {
		if done >= uint64(after) {
			stop()
		}
	}
	return verify.Judge(ctx, path, operator, o)
}

// calledOff says whether an error is that of a judgement which was not let end: nothing is found by it. A device
// that fails meanwhile may be what is seen.
func calledOff(err error) bool {
	class := fault.Of(err)
	return err != nil && (class == fault.Interrupted || class == fault.DeviceFailed)
}

// served runs f on the first of some devices that serves.
func served(devices []engine.Device, f func(engine.Device) error) error {
	var err error
	for _, d := range devices {
		if err = f(d); !errors.Is(err, engine.ErrDevice) {
			return err
		}
	}
	return err
}
