package keys

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// certificateWord begins the certificate of a key's role, which is a line before the PEM block, where RFC 7468 has
// readers pass over text:
//
//	verifyd-role/1 verifier MEUCIQD...
//
// It is the key's own signature over the role and its public half. A line that is lost leaves a key without a role,
// which nothing takes; one that is changed, or stands in another key's file, is refused.
const certificateWord = "verifyd-role/1"

// certificate says which role a key has. The zero certificate is none.
type certificate struct {
	role Role
	sig  []byte // DER for ECDSA, else 64 bytes
}

// certified is what a certificate signs.
func certified(pub crypto.PublicKey, role Role) ([]byte, error) {
	spki, err := marshalPublic(pub)
	if err != nil {
		return nil, err
	}
	return slices.Concat([]byte(certificateWord+"\n"+string(role)+"\n"), spki), nil
}

// certify has a key sign its role.
func certify(key crypto.Signer, role Role) (certificate, error) {
	message, err := certified(key.Public(), role)
	if err != nil {
		return certificate{}, err
	}
	a, err := AlgorithmOf(key.Public())
	if err != nil {
		return certificate{}, err
	}
	if err := role.Allows(a); err != nil {
		return certificate{}, err
	}
	input, opts := message, crypto.Hash(0)
	if a != Ed25519 {
		digest := sha256.Sum256(message)
		input, opts = digest[:], crypto.SHA256
	}
	sig, err := key.Sign(rand.Reader, input, opts)
	if err != nil {
		return certificate{}, fmt.Errorf("certifying the role: %w", err)
	}
	return certificate{role, sig}, nil
}

// holds checks that the certificate, if there is one, is the key's.
func (c certificate) holds(pub crypto.PublicKey) error {
	if c.role == "" {
		return nil
	}
	input, err := certified(pub, c.role)
	if err != nil {
		return err
	}
	if a, _ := AlgorithmOf(pub); a != Ed25519 {
		digest := sha256.Sum256(input)
		input = digest[:]
	}
	if !verifies(pub, input, c.sig) {
		return fmt.Errorf("the certificate of its role, %s, is another key's or was changed: %w", c.role, ErrRole)
	}
	return nil
}

// String is the line, without its end; empty for no certificate.
func (c certificate) String() string {
	if c.role == "" {
		return ""
	}
	return certificateWord + " " + string(c.role) + " " + base64.StdEncoding.EncodeToString(c.sig)
}

// parseCertificate finds the one certificate in a text. Words that almost are one are an error: they were one.
func parseCertificate(text string) (c certificate, err error) {
	words := strings.Fields(text)
	for i, word := range words {
		if word != certificateWord {
			if lower := strings.ToLower(word); strings.Contains(lower, "verifyd-role") || strings.Contains(lower, "verifyd-key") {
				return c, fmt.Errorf("%.40q is not how the certificate of a role begins: it was changed", word)
			}
			continue
		}
		if c.role != "" {
			return c, errors.New("states two roles")
		}
		if len(words) < i+3 {
			return c, errors.New("the certificate of its role is cut short")
		}
		if c.role, err = ParseRole(words[i+1]); err != nil {
			return c, err
		}
		if c.sig, err = base64.StdEncoding.Strict().DecodeString(words[i+2]); err != nil {
			return c, fmt.Errorf("the certificate of its role: %w", err)
		}
	}
	return c, nil
}
