package pool

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/engine"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Judge is what claims are judged by and on.
type Judge struct {
	Operator document.Key
	Devices  []engine.Device // as verify.Options has them
	Verifier merkle.Hash     // key id of whoever will sign the verdicts; zero if nobody will
	// Ahead reads a whole state ahead: the device computes so fast that it would wait for the next segment to be
	// read and decompressed. Otherwise little is read ahead.
	Ahead bool
	// MaxMemory refuses a larger program; 0 is verify.DefaultMaxMemory. What Ahead adds stays within it.
	MaxMemory uint64
	Clock     func() time.Time // says when silence has lasted too long, and how long judging took
	// Failed, if set, is told which device failed, on which claim, and why. It may be called from several
	// goroutines at once.
	Failed func(claim string, d engine.Device, err error)
}

// Judged is what became of a bundle: a verdict, or why there is none.
type Judged struct {
	Bundle  string
	Case    *verify.Case    // nil if the bundle could not be read
	Verdict *verify.Verdict // nil if there is an error
	Err     error           // begins with the bundle
	Took    time.Duration
}

// Bundle judges the bundle at a path, a folder or an archive. Progress, if set, is called with the steps that are
// replayed and those to do.
func (j *Judge) Bundle(ctx context.Context, path string, progress func(done, total uint64)) *Judged {
	began := j.Clock()
	found := &Judged{Bundle: path}
	if err := j.bundle(ctx, found, progress); err != nil {
		found.Err = fmt.Errorf("%s: %w", path, err)
	}
	found.Took = j.Clock().Sub(began)
	return found
}

func (j *Judge) bundle(ctx context.Context, found *Judged, progress func(done, total uint64)) error {
	bundle, err := verify.OpenBundle(found.Bundle)
	if err != nil {
		return err
	}
	defer bundle.Close()
	if found.Case, err = verify.OpenCase(ctx, bundle, j.Operator); err != nil {
		return err
	}
	found.Verdict, err = j.Judge(ctx, found.Bundle, found.Case, progress)
	return err
}

// Judge judges a case, whose source is still open. Name is what Failed is told.
func (j *Judge) Judge(ctx context.Context, name string, c *verify.Case, progress func(done, total uint64)) (*verify.Verdict, error) {
	return c.Judge(ctx, j.options(name, c, progress))
}

// Check replays the bundle at a path as the verifier did who signed v, and refuses a verdict that this verifier did
// not reach by replaying, or that says something else. Errors begin with the bundle.
func (j *Judge) Check(ctx context.Context, path string, v *verify.Verdict, verifier document.Key, progress func(done, total uint64)) error {
	bundle, err := verify.OpenBundle(path)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer bundle.Close()
	c, err := verify.OpenCase(ctx, bundle, j.Operator)
	if err == nil {
		err = c.CheckImprint(ctx, v, verifier, j.options(path, c, progress))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func (j *Judge) options(name string, c *verify.Case, progress func(done, total uint64)) verify.Options {
	o := verify.Options{
		Devices: j.Devices, Verifier: j.Verifier, MaxMemory: j.MaxMemory, ReadAhead: j.ahead(c.Cost), Now: j.Clock(), Progress: progress,
	}
	if j.Failed != nil {
		o.Failed = func(d engine.Device, err error) { j.Failed(name, d, err) }
	}
	return o
}

// ahead is how many bytes are read ahead; 0 leaves it to package verify.
func (j *Judge) ahead(c verify.Cost) int {
	limit := cmp.Or(j.MaxMemory, verify.DefaultMaxMemory)
	if !j.Ahead || c.Memory >= limit {
		return 0
	}
	return int(max(verify.DefaultReadAhead, min(c.State, limit-c.Memory)))
}

// Severity is how bad what was found in a bundle is, the worst the largest.
type Severity int

// The severities.
const (
	Passed       Severity = iota
	Unaudited             // the beacon did not draw the claim: nothing is known of it
	Inconclusive          // two replays disagreed
	Failed                // the claim is false
	Unjudged              // the bundle cannot be judged
)

// Severity is the bundle's own; that of several is the largest.
func (f *Judged) Severity() Severity {
	switch {
	case f.Err != nil:
		return Unjudged
	case f.Verdict.Finding.Outcome == verify.Fail:
		return Failed
	case f.Verdict.Finding.Outcome == verify.Inconclusive:
		return Inconclusive
	case f.Verdict.Finding.Outcome == verify.Unaudited:
		return Unaudited
	}
	return Passed
}
