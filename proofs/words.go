package proofs

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// wordSize is the width of every field in the body, in bytes.
const wordSize = 32

// Encode returns the body of c, [BodySize] bytes, or an error that names the
// field that c may not have.
func (c Contribution) Encode() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	w := make(words, 0, BodySize)
	w.hash(c.Audience)
	w.hash(c.PoolID)
	w.integer(0, 0, c.Epoch)
	w.hash(c.TaskID)
	w.hash(c.WorkerID)
	w.hash(c.Account)
	w.integer(0, c.Units.Hi, c.Units.Lo)
	w.integer(0, c.CumulativeUnits.Hi, c.CumulativeUnits.Lo)
	w.integer(byte(c.Shapley.Hi>>63), uint64(c.Shapley.Hi), c.Shapley.Lo)
	w.integer(0, c.StdErr.Hi, c.StdErr.Lo)
	w.integer(0, 0, uint64(c.Verdict.uint32()))
	w.integer(0, 0, c.StepsClaimed)
	w.integer(0, 0, c.StepsReplayed)
	w.integer(0, 0, c.StepsFailed)
	w.hash(c.PolicyHash)
	w.hash(c.EvidenceRoot)
	w.hash(c.EngineHash)
	w.hash(c.SampleSeed)
	w.hash(c.Nullifier())
	w.integer(0, 0, c.IssuedAt)
	return w, nil
}

// Parse reads a body. It accepts exactly the bytes that [Contribution.Encode]
// can give: any other length, padding that is not the sign's, or a field
// outside its rules is refused with the field's name.
func Parse(body []byte) (Contribution, error) {
	if len(body) != BodySize {
		return Contribution{}, fmt.Errorf("contribution proof: body has %d bytes, want %d", len(body), BodySize)
	}
	var c Contribution
	r := reader{rest: body}
	c.Audience = r.hash()
	c.PoolID = r.hash()
	c.Epoch = r.uint64("epoch")
	c.TaskID = r.hash()
	c.WorkerID = r.hash()
	c.Account = r.hash()
	c.Units = r.uint128("units")
	c.CumulativeUnits = r.uint128("cumulativeUnits")
	c.Shapley = r.int128("shapley")
	c.StdErr = r.uint128("stdErr")
	verdict := r.uint32("verdict")
	c.Verdict = Verdict{Kind(verdict >> 16), Reason(verdict)}
	c.StepsClaimed = r.uint64("stepsClaimed")
	c.StepsReplayed = r.uint64("stepsReplayed")
	c.StepsFailed = r.uint64("stepsFailed")
	c.PolicyHash = r.hash()
	c.EvidenceRoot = r.hash()
	c.EngineHash = r.hash()
	c.SampleSeed = r.hash()
	nullifier := r.hash()
	c.IssuedAt = r.uint64("issuedAt")
	if r.err != nil {
		return Contribution{}, r.err
	}
	if err := c.check(); err != nil {
		return Contribution{}, err
	}
	if want := c.Nullifier(); nullifier != want {
		return Contribution{}, fieldError("nullifier", "%s is not the one derived from pool, worker, epoch and task, %s", nullifier, want)
	}
	return c, nil
}

// words is a body under construction.
type words []byte

func (w *words) hash(h Hash) { *w = append(*w, h[:]...) }

// integer appends a 128-bit integer, sign-extended with pad to a whole word.
func (w *words) integer(pad byte, hi, lo uint64) {
	*w = append(*w, bytes.Repeat([]byte{pad}, 16)...)
	*w = binary.BigEndian.AppendUint64(*w, hi)
	*w = binary.BigEndian.AppendUint64(*w, lo)
}

// reader takes a body apart word by word and keeps the first error.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) word() []byte {
	w := r.rest[:wordSize]
	r.rest = r.rest[wordSize:]
	return w
}

func (r *reader) hash() Hash { return Hash(r.word()) }

func (r *reader) uint128(field string) Uint128 {
	w := r.unsigned(field, 16)
	return Uint128{binary.BigEndian.Uint64(w[16:]), binary.BigEndian.Uint64(w[24:])}
}

func (r *reader) uint64(field string) uint64 {
	return binary.BigEndian.Uint64(r.unsigned(field, 8)[24:])
}

func (r *reader) uint32(field string) uint32 {
	return binary.BigEndian.Uint32(r.unsigned(field, 4)[28:])
}

// unsigned returns the next word after checking that all but its last size
// bytes are zero.
func (r *reader) unsigned(field string, size int) []byte {
	w := r.word()
	r.padding(field, w[:wordSize-size], 0)
	return w
}

func (r *reader) int128(field string) Int128 {
	w := r.word()
	v := Int128{int64(binary.BigEndian.Uint64(w[16:])), binary.BigEndian.Uint64(w[24:])}
	r.padding(field, w[:16], byte(v.Hi>>63))
	return v
}

func (r *reader) padding(field string, pad []byte, want byte) {
	for _, b := range pad {
		if b != want && r.err == nil {
			r.err = fieldError(field, "dirty padding: the %d high bytes must each be 0x%02x", len(pad), want)
		}
	}
}
