package witness

import (
	"errors"
	"math"

	"golang.org/x/mod/sumdb/note"

	"github.com/verifyd/verifyd/verify/fault"
)

// MaxWitnesses is the largest number of witnesses of a log.
const MaxWitnesses = 64

// AnyTime is a time before which everything was.
const AnyTime = math.MaxInt64

// Log is a transparency log and the witnesses whose word on time counts. It is read-only.
type Log struct {
	log       *key
	witnesses []*key
	threshold int
	known     note.Verifiers
}

// NewLog refuses keys that nothing can be checked with: the log's must be of Ed25519 and the witnesses' of Ed25519
// cosignatures, all of them different. Threshold is how many witnesses must cosign: 0 without witnesses, and only
// then. Errors are of class bad-terms and name the field of a job's log.
func NewLog(logKey string, witnesses []string, threshold uint32) (*Log, error) {
	l := &Log{threshold: int(threshold)}
	seen := map[string]bool{} // public keys, and what signatures are found by
	add := func(field, text string, kind byte) (*key, error) {
		k, err := parseKey(text)
		switch {
		case err != nil:
			return nil, fault.Under(field, err)
		case k.kind != kind:
			return nil, fault.New(fault.BadTerms, "", field, "%.80q has a key of type 0x%02x, 0x%02x is needed", text, k.kind, kind)
		case seen[string(k.public)]:
			return nil, fault.New(fault.BadTerms, "", field, "%.80q: the same key twice", text)
		case seen[k.label()]:
			return nil, fault.New(fault.BadTerms, "", field, "%.80q: another key has its name and hash", text)
		}
		seen[string(k.public)], seen[k.label()] = true, true
		return &k, nil
	}
	var err error
	if l.log, err = add("key", logKey, ed25519Key); err != nil {
		return nil, err
	}
	if len(witnesses) > MaxWitnesses {
		return nil, fault.New(fault.BadTerms, "", "witnesses", "%d, the limit is %d", len(witnesses), MaxWitnesses)
	}
	all := []note.Verifier{l.log}
	for _, text := range witnesses {
		k, err := add("witnesses", text, cosignatureKey)
		if err != nil {
			return nil, err
		}
		l.witnesses = append(l.witnesses, k)
		all = append(all, k)
	}
	if n := uint32(len(witnesses)); threshold > n || threshold == 0 && n > 0 {
		return nil, fault.New(fault.BadTerms, "", "threshold", "%d of %d witnesses", threshold, n)
	}
	l.known = note.VerifierList(all...)
	return l, nil
}

// Dates says whether the log has witnesses: without any, nobody but its writer says when.
func (l *Log) Dates() bool { return l.threshold > 0 }

// Holds refuses a proof unless it shows that the log has an entry: under a checkpoint that the log signed and as many
// witnesses as are needed cosigned before a Unix time in seconds. [AnyTime] asks for no time, and without witnesses
// there is none to ask for.
func (l *Log) Holds(proof, entry []byte, before int64) error {
	return l.show(proof, entry, before, true)
}

// Saw refuses a proof unless as many witnesses as are needed saw an entry before a Unix time, in whatever log: of
// when an entry was there, witnesses say as much of any. Without witnesses nothing is seen.
func (l *Log) Saw(proof, entry []byte, before int64) error {
	if !l.Dates() {
		return fault.New(fault.Undated, "", "", "the log has no witnesses: it proves no time")
	}
	return l.show(proof, entry, before, false)
}

func (l *Log) show(proof, entry []byte, before int64, signed bool) error {
	p, err := parseProof(proof)
	if err != nil {
		return err
	}
	if err := p.holds(entry); err != nil {
		return err
	}
	n, err := note.Open(p.checkpoint, l.known)
	if err != nil && !errors.As(err, new(*note.UnverifiedNoteError)) {
		return fault.New(fault.BadSignature, "", "checkpoint", "%w", err)
	}
	by := map[note.Verifier]int64{} // the times of those who signed
	if err == nil {
		for _, s := range n.Sigs {
			v, err := l.known.Verifier(s.Name, s.Hash)
			if err != nil {
				return fault.New(fault.BadSignature, "", "checkpoint", "%w", err)
			}
			by[v] = timeOf(s)
		}
	}
	if _, logged := by[l.log]; signed && (!logged || p.origin != l.log.name) {
		return fault.New(fault.BadSignature, "", "checkpoint", "of %.80q, and not signed by the log %.80q", p.origin, l.log.name)
	}
	cosigned, early := 0, 0
	for _, w := range l.witnesses {
		if at, ok := by[w]; ok {
			cosigned++
			if at < before {
				early++
			}
		}
	}
	switch {
	case cosigned < l.threshold:
		return fault.New(fault.BadSignature, "", "checkpoint", "cosigned by %d witnesses of the job's log, %d are needed", cosigned, l.threshold)
	case early < l.threshold:
		return fault.New(fault.Undated, "", "checkpoint", "%d witnesses saw it before %d, %d are needed", early, before, l.threshold)
	}
	return nil
}
