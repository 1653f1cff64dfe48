package verify

import (
	"context"
	"crypto"

	"github.com/verifyd/verifyd/verify/job"
	"github.com/verifyd/verifyd/verify/trace"
)

// Documents are the files that a claim has gathered by the time it is challenged, as their bytes.
type Documents struct {
	Job, Program, Claim, Receipt, Beacon []byte
}

// Answer is what a worker opens a challenge with.
type Answer struct {
	Terms     *Terms
	Documents Documents
	Trace     *trace.Reader
	Data      *job.Dataset
	Signer    crypto.Signer // the worker's key
	// Progress, if set, is called after each opened segment.
	Progress func(done, total int)
}

// Open answers the challenge that the documents make and writes the bundle to dir, which must not exist.
func Open(ctx context.Context, a Answer, dir string) error {
	return openBundle(ctx, a, dir)
}
