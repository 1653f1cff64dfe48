package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/verifyd/verifyd/proofs"
)

// The types of an in-toto Statement about a contribution (in-toto attestation framework v1.2.0, Statement v1).
const (
	InTotoType    = "application/vnd.in-toto+json" // of the envelope
	StatementType = "https://in-toto.io/Statement/v1"
	PredicateType = "https://github.com/verifyd/verifyd/contribution/v1"
)

// statement is an in-toto Statement. Its subjects are matched by their digests alone.
type statement struct {
	Type          string     `json:"_type"`
	Subject       []resource `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     predicate  `json:"predicate"`
}

type resource struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"`
}

type predicate struct {
	Body []byte          `json:"body"` // of the contribution, in base64
	View json.RawMessage `json:"view"`
}

// InToto is the Statement about a contribution, for proofs.Sign. Its subjects are the contribution's body
// and the job that was worked on, both by SHA-256.
func InToto(c proofs.Contribution) (proofs.Document, error) {
	body, err := proofs.Encode(c)
	if err != nil {
		return proofs.Document{}, err
	}
	digest := sha256.Sum256(body)
	text, err := json.Marshal(statement{
		Type: StatementType,
		Subject: []resource{
			{"contribution", map[string]string{"sha256": hex.EncodeToString(digest[:])}},
			{"job", map[string]string{"sha256": hex.EncodeToString(c.TaskID[:])}},
		},
		PredicateType: PredicateType,
		Predicate:     predicate{body, proofs.View(c)},
	})
	if err != nil {
		return proofs.Document{}, err
	}
	return proofs.Document{Type: InTotoType, Body: text}, nil
}

// FromInToto is the inverse of InToto. It refuses a Statement that says anything else than its body.
func FromInToto(d proofs.Document) (proofs.Contribution, error) {
	if d.Type != InTotoType {
		return proofs.Contribution{}, fmt.Errorf("payload type: %.60q, %q is needed", d.Type, InTotoType)
	}
	var s statement
	if err := json.Unmarshal(d.Body, &s); err != nil {
		return proofs.Contribution{}, fmt.Errorf("statement: %w", err)
	}
	c, err := contribution(s.Predicate.Body)
	if err != nil {
		return c, fmt.Errorf("statement: predicate: body: %w", err)
	}
	again, err := InToto(c)
	if err != nil {
		return proofs.Contribution{}, err
	}
	if !bytes.Equal(again.Body, d.Body) {
		return proofs.Contribution{}, fmt.Errorf("statement: not the one about its contribution, byte for byte")
	}
	return c, nil
}

// contributionType is the payload type of what is exported.
const contributionType = "application/vnd.verifyd.contribution.v1+abi"

func contribution(body []byte) (proofs.Contribution, error) {
	s, err := proofs.Parse(contributionType, body)
	if err != nil {
		return proofs.Contribution{}, err
	}
	return s.(proofs.Contribution), nil
}
