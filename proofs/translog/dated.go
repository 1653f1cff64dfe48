package translog

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// ErrNoTime says that nothing bears out when a checkpoint was there: the policy asks for no witness, and a log's own
// signature carries no time.
var ErrNoTime = errors.New("no witness says when the checkpoint was there")

// VerifyBefore is Verify for an entry that was in the log before a Unix time: witnesses cosigned the checkpoint that
// shows it as the policy's quorum demands, each of them before that time. A log without witnesses proves no time.
func (p *Policy) VerifyBefore(proof, entry []byte, before int64) (Inclusion, error) {
	in, err := p.Verify(proof, entry)
	if err != nil {
		return Inclusion{}, err
	}
	if p.quorum == nil {
		return Inclusion{}, fmt.Errorf("checkpoint of %s: %w", in.Checkpoint.Origin, ErrNoTime)
	}
	parsed, err := ParseProof(proof)
	if err != nil {
		return Inclusion{}, err
	}
	n, err := note.Open(parsed.Checkpoint, p.verifiers)
	if err != nil {
		return Inclusion{}, err
	}
	by := map[note.Verifier]bool{}
	for _, s := range n.Sigs {
		v, err := p.verifiers.Verifier(s.Name, s.Hash)
		if err != nil {
			return Inclusion{}, err
		}
		at, err := dateOf(s)
		if err != nil {
			return Inclusion{}, err
		}
		by[v] = !p.logs[v] && at < before
	}
	if !p.quorum.satisfied(by) {
		return Inclusion{}, fmt.Errorf("checkpoint of %s: field signatures: too few cosignatures before second %d for the policy's quorum", in.Checkpoint.Origin, before)
	}
	return in, nil
}

// dateOf is the first eight bytes of a signature behind its key id: the time of a cosignature that was verified.
func dateOf(s note.Signature) (int64, error) {
	raw, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(raw) < 4+8 {
		return 0, fmt.Errorf("checkpoint: field signatures: the one by %s is too short", s.Name)
	}
	return int64(binary.BigEndian.Uint64(raw[4:])), nil
}
