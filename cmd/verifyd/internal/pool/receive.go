package pool

import (
	"crypto"
	"time"

	"github.com/verifyd/verifyd/verify"
)

// Receipt is the operator's word of when a claim arrived, with what follows from it.
type Receipt struct {
	File     []byte    // signed, for the worker and the bundle
	Arrived  time.Time // whole seconds, UTC, not before the claim arrived
	Beacon   string    // the job's source of randomness
	Round    uint64    // of the beacon, which will pick what is replayed
	Deadline time.Time // until which the worker may open it
}

// Receive signs that a claim arrived for a job. Each worker and slot gets one receipt, ever: a second one would draw
// the challenge anew. The caller sees to it.
func Receive(t *verify.Terms, a verify.Arrival, operator crypto.Signer) (*Receipt, error) {
	file, err := verify.Receive(t, a, operator)
	if err != nil {
		return nil, err
	}
	signed, err := t.ReadReceipt(file)
	if err != nil {
		return nil, err
	}
	round, _ := t.Job.Round(signed.Arrived)
	return &Receipt{
		File: file, Arrived: time.Unix(signed.Arrived, 0).UTC(), Beacon: t.Job.Beacon.Name, Round: round,
		Deadline: time.Unix(t.Job.Answers(signed.Arrived), 0).UTC(),
	}, nil
}
