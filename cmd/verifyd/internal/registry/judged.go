package registry

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/verifyd/verifyd/proofs/policy"
	"github.com/verifyd/verifyd/verify"
	"github.com/verifyd/verifyd/verify/document"
	"github.com/verifyd/verifyd/verify/merkle"
)

// Member is a worker's key in a pool, as one ledger knows the pool. What it did elsewhere says nothing here.
type Member struct {
	Audience merkle.Hash `json:"audience"` // of the ledger
	Pool     merkle.Hash `json:"pool"`
	Worker   merkle.Hash `json:"worker"` // key id
}

// Judgement is what became of a claim that was received.
type Judgement struct {
	Slot
	Claim    merkle.Hash    `json:"claim"`    // digest
	Evidence merkle.Hash    `json:"evidence"` // root of the verdict's
	Outcome  verify.Outcome `json:"outcome"`
	Reason   verify.Reason  `json:"reason"`
	Note     string         `json:"note"`     // the finding's, for which a policy may pay less
	Work     policy.Uint    `json:"work"`     // floating-point operations of the claim, by the job's program and steps
	Hold     uint32         `json:"hold"`     // further claims that are judged before this one is paid, by the job
	Until    int64          `json:"until"`    // when it is paid though fewer were, Unix time in seconds; with a hold
	Arrived  int64          `json:"arrived"`  // the claim, by its receipt; Unix time in seconds
	Recorded int64          `json:"recorded"` // this; Unix time in seconds
}

// judged is a file of the record of judgements. Those of a member are numbered from 0 in the order in which they were
// recorded, and each names the one before it.
type judged struct {
	Version  string      `json:"version"`
	Member   Member      `json:"member"`
	Number   uint32      `json:"number"`
	Previous merkle.Hash `json:"previous"` // SHA-256 of the file before
	Judgement
}

// rank orders what may be said of one claim: the stronger stands, whichever was recorded first. Silence is refuted by an
// opening that was received, a disagreement of replays by replays that agree, and nothing takes back a FAIL that shows.
func (j *Judgement) rank() int {
	switch {
	case j.Outcome == verify.Fail && j.Reason == verify.Unopened:
		return 1
	case j.Outcome == verify.Inconclusive:
		return 2
	case j.Outcome == verify.Fail:
		return 4
	}
	return 3
}

// name is the digest that a member's judgement number n is kept under.
func (m Member) name(n uint32) merkle.Hash {
	msg := append([]byte("verifyd/registry/judged/v1\x00"), m.Audience[:]...)
	msg = append(append(msg, m.Pool[:]...), m.Worker[:]...)
	return sha256.Sum256(binary.BigEndian.AppendUint32(msg, n))
}

// Judge records what became of claims of a member, for good, each unless what was recorded of the claim before is as
// strong: so one verdict counts once, however often it is recorded. It returns all that is recorded of the member now.
// A claim must have its slot's receipt: it is else [NotReceived], and [Given] if another claim has it; then nothing is
// recorded.
//
// Any number of processes may record at once: the file system decides who is next. It reads all that is recorded of
// the member, once.
func (r *Registry) Judge(m Member, all ...Judgement) (History, error) {
	for _, j := range all {
		if err := r.judgeable(m, &j); err != nil {
			return nil, err
		}
	}
	var c chain
	if err := r.follow(m, &c); err != nil {
		return nil, err
	}
	for _, j := range all {
		for len(c.History.With(j)) > len(c.History) {
			data, err := document.Encode(judged{Version, m, uint32(len(c.History)), c.last, j})
			if err == nil {
				err = r.place(r.judgedPath(m, len(c.History)), data)
			}
			if err != nil && !errors.Is(err, fs.ErrExist) {
				return nil, err
			}
			if err := r.follow(m, &c); err != nil { // this one, or those of another process
				return nil, err
			}
		}
	}
	return c.History, r.disk.sync(filepath.Join(r.dir, judgedFolder)) // another process may be about to
}

// judgeable refuses a judgement on a claim that has no receipt.
func (r *Registry) judgeable(m Member, j *Judgement) error {
	if j.Slot.Worker != m.Worker {
		return fmt.Errorf("registry: a judgement of %v for worker %v", j.Slot, m.Worker)
	}
	first, err := r.lookup(receipts, j.Slot.name(0))
	if err != nil {
		return err
	}
	if first == nil || first.Kind != receipt {
		return refuse(NotReceived, "%v has no receipt", j.Slot)
	}
	return first.refuse(record{Kind: receipt, Slot: j.Slot, About: j.Claim})
}

// Judged is what is recorded of a member, in the order in which it was.
func (r *Registry) Judged(m Member) (History, error) {
	var c chain
	err := r.follow(m, &c)
	if err == nil && len(c.History) > 0 {
		err = r.disk.sync(filepath.Join(r.dir, judgedFolder))
	}
	return c.History, err
}

func (r *Registry) judgedPath(m Member, n int) string {
	return filepath.Join(r.dir, judgedFolder, m.name(uint32(n)).String())
}

// chain is what was read of a member's record.
type chain struct {
	History
	last merkle.Hash // SHA-256 of the last file
}

// follow reads what is recorded behind what was read.
func (r *Registry) follow(m Member, c *chain) error {
	for {
		n := len(c.History)
		data, err := r.disk.read(r.judgedPath(m, n), maxRecord)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name := m.name(uint32(n))
		rec, err := parseJudged(name, data)
		if err == nil {
			err = misplaced(judgedFolder, name, rec.Member == m && int(rec.Number) == n && rec.Previous == c.last)
		}
		if err != nil {
			return err
		}
		c.History, c.last = append(c.History, rec.Judgement), sha256.Sum256(data)
	}
}

func parseJudged(name merkle.Hash, data []byte) (*judged, error) {
	rec, err := document.Decode[judged]("", data)
	if err == nil && rec.Version != Version {
		err = fmt.Errorf("version %.60q, %q is needed", rec.Version, Version)
	}
	if err != nil {
		return nil, damaged(judgedFolder, name, err)
	}
	return &rec, nil
}

func (r *Registry) checkJudged(name merkle.Hash, data []byte, report *Report) error {
	rec, err := parseJudged(name, data)
	if err != nil {
		return err
	}
	report.Judged++
	if err := misplaced(judgedFolder, name, rec.Member.name(rec.Number) == name && rec.Slot.Worker == rec.Member.Worker); err != nil {
		return err
	}
	of, err := r.lookup(receipts, rec.Slot.name(0))
	if err != nil {
		return err
	}
	if err := misplaced(judgedFolder, name, of != nil && of.Kind == receipt && of.About == rec.Claim); err != nil || rec.Number == 0 {
		return err
	}
	before, err := r.find(judgedFolder, rec.Member.name(rec.Number-1))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return misplaced(judgedFolder, name, err == nil && sha256.Sum256(before) == rec.Previous)
}
