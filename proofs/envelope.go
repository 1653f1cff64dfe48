package proofs

import (
	"bytes"
	"cmp"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/verifyd/verifyd/proofs/internal/canonical"
	"github.com/verifyd/verifyd/proofs/internal/class"
)

const (
	// maxEnvelope bounds an envelope file in bytes. A contribution proof is
	// about 1,200.
	maxEnvelope = 32 << 10
	// maxSignatures is enough for a rotation by two full sets.
	maxSignatures = 2 * maxSigners
)

// An Envelope is a signed statement: a DSSE envelope. What it says is only
// known to be said by someone once [Verify] has been asked with that someone's
// key; [Parse] of Type and Body shows it unverified.
//
// Verifiers who sign apart put their signatures together by appending them:
// the statement's bytes are the same for all.
type Envelope struct {
	Type       string // DSSE payload type
	Body       []byte
	Signatures []Signature
}

// A Signature is one signer's, over the [PAE] of the statement.
type Signature struct {
	// KeyID is the [KeyID] of the signer. It is not signed.
	KeyID Hash
	// Sig is strict DER with low s for ECDSA, 64 bytes for Ed25519. Its bytes
	// are no identity of anything.
	Sig []byte
}

// Sign encodes s and signs it with each signer, whose keys may live in a file,
// in hardware or in a key service. ECDSA signers are given a SHA-256 digest,
// Ed25519 signers the message.
func Sign(s Statement, signers ...crypto.Signer) (*Envelope, error) {
	body, err := Encode(s)
	if err != nil {
		return nil, err
	}
	e := &Envelope{Type: s.payloadType(), Body: body}
	message := pae(e.Type, body)
	for _, signer := range signers {
		key, sig, err := sign(message, signer)
		if err != nil {
			return nil, err
		}
		e.Signatures = append(e.Signatures, Signature{key.id(), sig})
	}
	e.sort()
	if err := e.checkSigners(); err != nil {
		return nil, err
	}
	return e, nil
}

func (e *Envelope) sort() {
	slices.SortStableFunc(e.Signatures, func(a, b Signature) int { return bytes.Compare(a.KeyID[:], b.KeyID[:]) })
}

// checkSigners holds the rules about how many may sign, and who may not: a
// worker for itself. The body is one that its type has.
func (e *Envelope) checkSigners() error {
	n := len(e.Signatures)
	if n < 1 || n > maxSignatures || e.Type == contributionType && n != 1 {
		want := fmt.Sprintf("1 to %d", maxSignatures)
		if e.Type == contributionType {
			want = "1"
		}
		return refuse(class.NotCanonical, "signatures", "%d, want %s", n, want)
	}
	if e.Type == contributionType && e.Signatures[0].KeyID == Hash(e.Body[workerWord*wordSize:][:wordSize]) {
		return refuse(class.WrongSignerSet, "signatures[0].keyid", "%s is by the worker's own key", e.Signatures[0].KeyID)
	}
	for i := 1; i < n; i++ {
		switch cmp.Compare(0, bytes.Compare(e.Signatures[i-1].KeyID[:], e.Signatures[i].KeyID[:])) {
		case 0:
			return refuse(class.Duplicate, fmt.Sprintf("signatures[%d].keyid", i), "the key before it again: a key signs once")
		case -1:
			return refuse(class.NotCanonical, fmt.Sprintf("signatures[%d].keyid", i), "less than the one before it: they are in ascending order")
		}
	}
	return nil
}

// ParseEnvelope reads an envelope file. It is strict: the bytes must be those
// that [Envelope.Bytes] gives, so that one envelope has one file. Signatures
// are not checked; their form is.
func ParseEnvelope(file []byte) (*Envelope, error) {
	if len(file) > maxEnvelope {
		return nil, refuse(class.BadLength, "envelope", "%d bytes, limit %d", len(file), maxEnvelope)
	}
	s := canonical.NewScanner(file)
	s.Take("payloadType", `{"payloadType":"`)
	e := &Envelope{Type: s.String("payloadType")}
	s.Take("payload", `,"payload":"`)
	e.Body = scanBase64(s, "payload")
	s.Take("signatures", `,"signatures":[`)
	for i := 0; ; i++ {
		field := fmt.Sprintf("signatures[%d]", i)
		if i == maxSignatures {
			s.Refuse(field, "more than %d signatures", maxSignatures)
		}
		s.Take(field+".keyid", `{"keyid":"`)
		id := s.String(field + ".keyid")
		keyID, err := parseHash(id)
		if err != nil {
			s.Refuse(field+".keyid", "%v", err)
		}
		s.Take(field+".sig", `,"sig":"`)
		sig := scanBase64(s, field+".sig")
		s.Take(field, "}")
		e.Signatures = append(e.Signatures, Signature{keyID, sig})
		if !s.Next(",") {
			break
		}
		s.Take("signatures", ",")
	}
	s.Take("signatures", "]}\n")
	s.End("envelope")
	if field, reason := s.Fault(); field != "" {
		return nil, refuse(class.NotCanonical, field, "%s", reason)
	}
	return e, e.check()
}

// check is what can be said of an envelope without a key.
func (e *Envelope) check() error {
	if _, err := e.statement(); err != nil {
		return err
	}
	if err := e.checkSigners(); err != nil {
		return err
	}
	for i, sig := range e.Signatures {
		if _, _, ok := splitDER(sig.Sig); !ok && len(sig.Sig) != 64 {
			return refuse(class.BadForm, fmt.Sprintf("signatures[%d].sig", i), "neither the DER of r and s alone nor 64 bytes")
		}
	}
	return nil
}

// statement is what e states. An error names the type or a field in payload.
func (e *Envelope) statement() (Statement, error) {
	s, err := Parse(e.Type, e.Body)
	var fault *Error
	if errors.As(err, &fault) && fault.Field != "payloadType" {
		return nil, refuse(fault.Class, "payload."+fault.Field, "%s", fault.Reason)
	}
	return s, err
}

func scanBase64(s *canonical.Scanner, field string) []byte {
	text := s.String(field)
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		s.Refuse(field, "not base64 in its one form: %v", err)
	}
	return raw
}

// Bytes is the envelope file: DSSE JSON in canonical form, one line, the
// signatures in the order of their key ids.
func (e *Envelope) Bytes() []byte {
	sorted := Envelope{e.Type, e.Body, slices.Clone(e.Signatures)}
	sorted.sort()
	var b strings.Builder
	fmt.Fprintf(&b, `{"payloadType":"%s","payload":"%s","signatures":[`, e.Type, base64.StdEncoding.EncodeToString(e.Body))
	for i, sig := range sorted.Signatures {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"keyid":"%s","sig":"%s"}`, sig.KeyID, base64.StdEncoding.EncodeToString(sig.Sig))
	}
	b.WriteString("]}\n")
	return []byte(b.String())
}

// Verify returns what e states if at least threshold of the given keys signed
// it and nobody else did: one bad signature, one key twice, or one that is not
// among keys spoils the envelope. The keys must come from somewhere that the
// caller trusts, never from the envelope. S is the kind of statement that the
// caller wants.
//
// Only signatures are checked. Whether a statement is meant for this ledger,
// in force and new, is for package bundle.
func Verify[S Statement](e *Envelope, threshold int, keys ...Key) (S, error) {
	var none S
	if threshold < 1 || threshold > len(keys) {
		return none, refuse(class.BelowQuorum, "threshold", "%d is not one of 1 to %d, the number of keys", threshold, len(keys))
	}
	if err := e.check(); err != nil {
		return none, err
	}
	stated, err := e.statement()
	if err != nil {
		return none, err
	}
	s, ok := stated.(S)
	if !ok {
		return none, refuse(class.WrongType, "payloadType", "%q is not the kind of statement that is asked for", e.Type)
	}
	byID := make(map[Hash]Key, len(keys))
	for _, k := range keys {
		byID[k.id()] = k
	}
	message := pae(e.Type, e.Body)
	for i, sig := range e.Signatures {
		field := fmt.Sprintf("signatures[%d]", i)
		key, ok := byID[sig.KeyID]
		if !ok {
			return none, refuse(class.WrongSignerSet, field+".keyid", "%s is not a key that is trusted here", sig.KeyID)
		}
		if err := key.verify(field+".sig", message, sig.Sig); err != nil {
			return none, err
		}
	}
	if len(e.Signatures) < threshold {
		return none, refuse(class.BelowQuorum, "signatures", "%d distinct signers, want %d", len(e.Signatures), threshold)
	}
	return s, nil
}
