package proofs

import (
	"crypto/sha256"
	"strconv"
	"strings"

	"github.com/verifyd/verifyd/proofs/internal/class"
)

// A Statement is what an envelope can carry: a [Contribution], an [EpochRoot],
// a [Revocation], a [SignerSet] or a foreign [Document].
type Statement interface {
	// payloadType is the DSSE payload type, which carries kind and version:
	// another layout is another type.
	payloadType() string
	// check refuses what no honest signer states.
	check() error
	// encode is the body of a statement that check passed.
	encode() []byte
}

// ours begins the payload types that belong to this package. A type that
// begins so and is not known is refused, never treated as a foreign document.
const ours = "application/vnd.verifyd."

// The payload types.
const (
	contributionType = ours + "contribution.v1+abi"
	epochRootType    = ours + "epoch-root.v1+abi"
	revocationType   = ours + "revocation.v1+abi"
	signerSetType    = ours + "signer-set.v1+abi"
)

// Encode returns the body of s, the fixed-width words that are signed, or an
// error that names the field that s may not have.
func Encode(s Statement) ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	return s.encode(), nil
}

// Parse reads the body of a statement of the given payload type. It accepts
// exactly the bytes that [Encode] can give: any other length, padding that is
// not the sign's, or a field outside its rules is refused with the field's
// name.
func Parse(payloadType string, body []byte) (Statement, error) {
	switch payloadType {
	case contributionType:
		return parse(body, contributionWords, func(c *Contribution, r fields) { c.layout(r) })
	case epochRootType:
		return parse(body, epochRootWords, func(e *EpochRoot, r fields) { e.layout(r) })
	case revocationType:
		return parse(body, revocationWords, func(v *Revocation, r fields) { v.layout(r) })
	case signerSetType:
		return parseSignerSet(body)
	}
	d := Document{Type: payloadType, Body: body}
	if err := d.check(); err != nil {
		return nil, err
	}
	return d, nil
}

// parse reads a body of a fixed number of words.
func parse[S Statement](body []byte, words int, layout func(*S, fields)) (Statement, error) {
	if len(body) != words*wordSize {
		return nil, refuse(class.BadLength, "body", "%d bytes, want %d", len(body), words*wordSize)
	}
	var s S
	r := reader{rest: body}
	layout(&s, &r)
	if r.err != nil {
		return nil, r.err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, nil
}

// PAE is DSSE's pre-authentication encoding (DSSE v1.0.2, protocol.md) of s:
// the very bytes that a signature is over.
func PAE(s Statement) ([]byte, error) {
	body, err := Encode(s)
	if err != nil {
		return nil, err
	}
	return pae(s.payloadType(), body), nil
}

func pae(payloadType string, body []byte) []byte {
	msg := "DSSEv1 " + strconv.Itoa(len(payloadType)) + " " + payloadType + " " + strconv.Itoa(len(body)) + " "
	return append([]byte(msg), body...)
}

// View is s as a JSON object on one line, for people and databases: every
// value a string, integers in decimal, hashes in hex, words that are derived
// included. It is never what is signed.
func View(s Statement) []byte {
	var v view
	v.text("type", s.payloadType())
	switch s := s.(type) {
	case Contribution:
		s.layout(&v)
	case EpochRoot:
		s.layout(&v)
	case Revocation:
		s.layout(&v)
	case SignerSet:
		s.layout(&v)
	case Document:
		digest := Hash(sha256.Sum256(s.Body))
		v.hash("bodySha256", &digest)
	}
	v.WriteByte('}')
	return v.Bytes()
}

// A Document is a foreign statement in a DSSE envelope, such as an in-toto
// Statement. Its body is opaque here.
type Document struct {
	Type string // DSSE payload type, a media type that is not verifyd's own
	Body []byte
}

// maxDocument bounds a foreign body in bytes.
const maxDocument = 16 << 10

func (d Document) payloadType() string { return d.Type }

func (d Document) encode() []byte { return d.Body }

func (d Document) check() error {
	if d.Type == "" || len(d.Type) > 255 || strings.ContainsFunc(d.Type, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"\<>&[]{}`, r)
	}) {
		return refuse(class.WrongType, "payloadType", "%.80q is not a media type: 1 to 255 printable ASCII characters, no brackets or quotes", d.Type)
	}
	if strings.HasPrefix(d.Type, ours) {
		return refuse(class.WrongType, "payloadType", "%.80q is not a statement of version 1", d.Type)
	}
	if len(d.Body) > maxDocument {
		return refuse(class.BadLength, "body", "%d bytes, limit %d", len(d.Body), maxDocument)
	}
	return nil
}
