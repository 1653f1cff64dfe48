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

// Judge records what became of a claim of a member, for good, and returns what stands of it now: this, or what was
// recorded before and is as strong, so that one verdict counts once however often it is recorded. The claim must have
// its slot's receipt: it is else [NotReceived], and [Given] if another claim has it.
//
// Any number of processes may record at once: the file system decides who is next. It reads all that is recorded of
// the member.
func (r *Registry) Judge(m Member, j Judgement) (stands Judgement, err error) {
	if j.Slot.Worker != m.Worker {
		return stands, fmt.Errorf("registry: a judgement of %v for worker %v", j.Slot, m.Worker)
	}
	first, err := r.lookup(receipts, j.Slot.name(0))
	if err != nil {
		return stands, err
	}
	if first == nil || first.Kind != receipt {
		return stands, refuse(NotReceived, "%v has no receipt", j.Slot)
	}
	if err := first.refuse(record{Kind: receipt, Slot: j.Slot, About: j.Claim}); err != nil {
		return stands, err
	}
	for {
		all, last, err := r.judgements(m)
		if err != nil {
			return stands, err
		}
		if len(all.With(j)) == len(all) {
			return *all.Of(j.Slot), r.disk.sync(filepath.Join(r.dir, judgedFolder)) // another process may be about to
		}
		data, err := document.Encode(judged{Version, m, uint32(len(all)), last, j})
		if err != nil {
			return stands, err
		}
		err = r.place(r.judgedPath(m, len(all)), data)
		if !errors.Is(err, fs.ErrExist) {
			return j, err
		}
	}
}

// Judged is what is recorded of a member, in the order in which it was.
func (r *Registry) Judged(m Member) (History, error) {
	all, _, err := r.judgements(m)
	if err == nil && len(all) > 0 {
		err = r.disk.sync(filepath.Join(r.dir, judgedFolder))
	}
	return all, err
}

func (r *Registry) judgedPath(m Member, n int) string {
	return filepath.Join(r.dir, judgedFolder, m.name(uint32(n)).String())
}

// judgements reads what is recorded of a member, and the SHA-256 of the last file.
func (r *Registry) judgements(m Member) (all History, last merkle.Hash, err error) {
	for {
		data, err := r.disk.read(r.judgedPath(m, len(all)), maxRecord)
		if errors.Is(err, fs.ErrNotExist) {
			return all, last, nil
		}
		if err != nil {
			return nil, last, err
		}
		name := m.name(uint32(len(all)))
		rec, err := parseJudged(name, data)
		if err == nil {
			err = misplaced(judgedFolder, name, rec.Member == m && int(rec.Number) == len(all) && rec.Previous == last)
		}
		if err != nil {
			return nil, last, err
		}
		all, last = append(all, rec.Judgement), sha256.Sum256(data)
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
