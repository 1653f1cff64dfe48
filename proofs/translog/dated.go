package translog

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// A Cosignature is a witness's word that it saw a checkpoint, and when.
type Cosignature struct {
	Witness string // the name of its key
	Time    int64  // Unix time in seconds
}

// Cosignatures opens a checkpoint as [Policy.Open] does and says which witnesses
// of the policy dated it. Witnesses whose signatures carry no time are not among
// them.
func (p *Policy) Cosignatures(signed []byte) (Checkpoint, []Cosignature, error) {
	c, err := p.Open(signed)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	dates, err := p.dates(signed)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	var all []Cosignature
	for _, d := range dates {
		all = append(all, Cosignature{d.by.Name(), d.time})
	}
	return c, all, nil
}

// VerifyBefore verifies as [Policy.Verify] does, and demands the policy's quorum
// of cosignatures that are dated before a Unix time in seconds. Only they carry
// time: a log's own signature says nothing of when it was made. A policy without
// a quorum dates nothing.
func (p *Policy) VerifyBefore(proof, entry []byte, before int64) (Inclusion, error) {
	at, err := p.Verify(proof, entry)
	if err != nil {
		return Inclusion{}, err
	}
	return at, p.datedBefore(proof, before)
}

// WitnessedBefore says where an entry lies in a log, whichever it is, if the
// policy's quorum of cosignatures, dated before a Unix time in seconds, is on the
// checkpoint that shows it. It is for whoever cannot have an entry made in the
// policy's own log: of when an entry was there, witnesses say as much of any log.
func (p *Policy) WitnessedBefore(proof, entry []byte, before int64) (Inclusion, error) {
	anyLog := &Policy{verifiers: p.verifiers, quorum: p.quorum, anyLog: true}
	return anyLog.VerifyBefore(proof, entry, before)
}

// datedBefore demands the quorum of cosignatures with earlier times on the
// checkpoint of a proof that was verified.
func (p *Policy) datedBefore(proof []byte, before int64) error {
	if p.quorum == nil {
		return errors.New("log policy: field quorum: none: nobody says when an entry was in the log")
	}
	parsed, err := ParseProof(proof)
	if err != nil {
		return err
	}
	dates, err := p.dates(parsed.Checkpoint)
	if err != nil {
		return err
	}
	early := map[note.Verifier]bool{}
	for _, d := range dates {
		early[d.by] = d.time < before
	}
	if !p.quorum.satisfied(early) {
		return fmt.Errorf("checkpoint: field signatures: too few cosignatures that are dated before %d for the policy's quorum", before)
	}
	return nil
}

// dated is a witness of the policy and the time that it cosigned at.
type dated struct {
	by   note.Verifier
	time int64
}

// dates are the cosignatures, with times, that verify on a checkpoint.
func (p *Policy) dates(signed []byte) ([]dated, error) {
	n, err := note.Open(signed, p.verifiers)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w", err)
	}
	var all []dated
	for _, s := range n.Sigs {
		v, err := p.verifiers.Verifier(s.Name, s.Hash)
		if err != nil {
			return nil, fmt.Errorf("checkpoint: %w", err)
		}
		if _, ok := v.(*cosignatureVerifier); !ok {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(s.Base64) // a key id of 4 bytes, a time of 8, the signature
		if err != nil || len(raw) < 12 {
			return nil, fmt.Errorf("checkpoint: field signatures: cosignature by %s: no time", s.Name)
		}
		all = append(all, dated{v, int64(binary.BigEndian.Uint64(raw[4:]))})
	}
	return all, nil
}
