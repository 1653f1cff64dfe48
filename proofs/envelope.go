package proofs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// MaxEnvelopeSize bounds a proof file in bytes. A proof is about 1,200.
const MaxEnvelopeSize = 8 << 10

// An Envelope is a signed contribution proof: a DSSE envelope with one
// signature. What it says is only known to be said by someone once
// [Envelope.Verify] has been asked with that someone's key.
type Envelope struct {
	body  []byte
	keyID Hash
	sig   []byte // DER, low-s
}

// envelopeJSON is DSSE's JSON form, its fields in canonical order.
type envelopeJSON struct {
	PayloadType string          `json:"payloadType"`
	Payload     string          `json:"payload"`
	Signatures  []signatureJSON `json:"signatures"`
}

type signatureJSON struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// Sign encodes c and signs it with a P-256 key, which may live in a file, in
// hardware or in a key service.
func Sign(c Contribution, signer crypto.Signer) (*Envelope, error) {
	body, err := c.Encode()
	if err != nil {
		return nil, err
	}
	sig, pub, err := sign(PayloadType, body, signer)
	if err != nil {
		return nil, err
	}
	id, err := KeyID(pub)
	if err != nil {
		return nil, err
	}
	return &Envelope{body: body, keyID: id, sig: sig}, nil
}

// ParseEnvelope reads a proof file. It is strict: the bytes must be those that
// [Envelope.Bytes] gives, so that one proof has one file. The signature is not
// checked; its form is.
func ParseEnvelope(data []byte) (*Envelope, error) {
	if len(data) > MaxEnvelopeSize {
		return nil, fmt.Errorf("proof envelope: %d bytes, limit %d", len(data), MaxEnvelopeSize)
	}
	var j envelopeJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return nil, fmt.Errorf("proof envelope: not JSON: %w", err)
	}
	if j.PayloadType != PayloadType {
		return nil, fmt.Errorf("proof envelope: field payloadType: %.80q, want %q", j.PayloadType, PayloadType)
	}
	if len(j.Signatures) != 1 {
		return nil, fmt.Errorf("proof envelope: field signatures: %d, want 1", len(j.Signatures))
	}
	e := &Envelope{}
	var err error
	if e.keyID, err = parseHash(j.Signatures[0].KeyID); err != nil {
		return nil, fmt.Errorf("proof envelope: field keyid: %w", err)
	}
	if e.body, err = base64.StdEncoding.DecodeString(j.Payload); err != nil {
		return nil, fmt.Errorf("proof envelope: field payload: %w", err)
	}
	if _, err := Parse(e.body); err != nil {
		return nil, err
	}
	if e.sig, err = base64.StdEncoding.DecodeString(j.Signatures[0].Sig); err != nil {
		return nil, fmt.Errorf("proof envelope: field sig: %w", err)
	}
	if err := checkForm(e.sig); err != nil {
		return nil, fmt.Errorf("proof envelope: %w", err)
	}
	if !bytes.Equal(e.Bytes(), data) {
		return nil, errors.New("proof envelope: not in canonical form (one line, fields payloadType, payload, signatures, no other)")
	}
	return e, nil
}

// Bytes is the proof file: DSSE JSON in canonical form, one line.
func (e *Envelope) Bytes() []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	// Strings in a struct cannot fail to encode, nor a buffer to be written.
	_ = enc.Encode(envelopeJSON{
		PayloadType: PayloadType,
		Payload:     base64.StdEncoding.EncodeToString(e.body),
		Signatures:  []signatureJSON{{KeyID: e.keyID.String(), Sig: base64.StdEncoding.EncodeToString(e.sig)}},
	})
	return buf.Bytes()
}

// Verify returns what the proof states if pub signed it. The key must come
// from somewhere that the caller trusts, never from the proof.
func (e *Envelope) Verify(pub *ecdsa.PublicKey) (Contribution, error) {
	if err := verify(PayloadType, e.body, e.sig, pub); err != nil {
		return Contribution{}, fmt.Errorf("contribution proof: %w", err)
	}
	// The key id is not signed, so it decides nothing. But a proof whose label
	// was rewritten is not the file that was signed.
	id, err := KeyID(pub)
	if err != nil {
		return Contribution{}, err
	}
	if id != e.keyID {
		return Contribution{}, fmt.Errorf("contribution proof: field keyid: %s, but the signature is by %s", e.keyID, id)
	}
	return Parse(e.body)
}

// Unverified returns what the proof states without asking who signed it, for
// display.
func (e *Envelope) Unverified() (Contribution, error) { return Parse(e.body) }

// KeyID is the signer's key id as the envelope states it: a hint, not checked.
func (e *Envelope) KeyID() Hash { return e.keyID }
