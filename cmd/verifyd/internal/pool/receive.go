package pool

import (
	"crypto"
	"time"

	"github.com/verifyd/verifyd/verify"
)

// Receipt is the operator's word of when a claim arrived, with what follows from it.
type Receipt struct {
	File     []byte    // signed, for the worker and the bundle
	Arrived  time.Time // whole seconds, UTC
	Beacon   string    // the job's source of randomness
	Round    uint64    // of the beacon, which will pick what is replayed
	Deadline time.Time // until which the worker may open it
}

// Receive signs that a claim arrived for a job. Each worker and slot gets one receipt, ever: a second one would draw
// the challenge anew. The caller sees to it.
func Receive(t *verify.Terms, claim []byte, arrived time.Time, operator crypto.Signer) (*Receipt, error) {
	file, err := verify.Receive(t, claim, arrived, operator)
	if err != nil {
		return nil, err
	}
	arrived = arrived.UTC().Truncate(time.Second)
	due := arrived.Add(time.Duration(t.Job.Delay) * time.Second)
	return &Receipt{
		File: file, Arrived: arrived,
		Beacon: t.Job.Beacon.Name, Round: t.Job.Beacon.RoundAt(due.Unix()),
		Deadline: arrived.Add(time.Duration(t.Job.Deadline) * time.Second),
	}, nil
}
