package translog

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/verifyd/verifyd/proofs/translog"
)

// A Signer signs a log's checkpoints with an Ed25519 key, which may live in a
// file, in hardware or in a key service.
type Signer struct {
	key      crypto.Signer
	vkey     string
	verifier note.Verifier
}

// NewSigner is the signer of the log that is called origin: by convention the
// URL under which it is served, without https:// and a final slash.
func NewSigner(origin string, key crypto.Signer) (*Signer, error) {
	pub, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("log key: a %T, want an Ed25519 key: it is what every verifier of checkpoints knows", key.Public())
	}
	vkey, err := translog.NewKey(origin, pub)
	if err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("log key: %w", err)
	}
	return &Signer{key, vkey, verifier}, nil
}

// Key is the vkey that verifiers of the log are given.
func (s *Signer) Key() string { return s.vkey }

// Name and KeyHash are the log's origin and the key's id.
func (s *Signer) Name() string    { return s.verifier.Name() }
func (s *Signer) KeyHash() uint32 { return s.verifier.KeyHash() }

// Sign signs the text of a checkpoint. A signer may be hardware: what it gives
// is checked before it is trusted.
func (s *Signer) Sign(msg []byte) ([]byte, error) {
	sig, err := s.key.Sign(rand.Reader, msg, crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("signing a checkpoint: %w", err)
	}
	if !s.verifier.Verify(msg, sig) {
		return nil, errors.New("signing a checkpoint: the key's own signature does not verify")
	}
	return sig, nil
}
