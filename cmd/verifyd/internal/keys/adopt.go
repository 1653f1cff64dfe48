package keys

import (
	"context"
	"errors"
	"fmt"
)

// Certify gives the private key that ref refers to a role for good: it writes
// the file of the public half, which must not exist, with the key's certificate.
// Beside the private key, at PublicPath(ref), it speaks for that one too. A key
// that has a role keeps it.
func (k Keyring) Certify(ctx context.Context, ref string, role Role, path string) (*Signer, error) {
	s, err := k.Open(ctx, ref, "")
	if err != nil {
		return nil, err
	}
	err = s.adopt(role, path)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Signer) adopt(role Role, path string) (err error) {
	if s.role != "" && s.role != role {
		return fmt.Errorf("this is a key of the %s: %w", s.role, ErrRole)
	}
	if s.certificate.role == "" {
		if s.certificate, err = certify(s.Signer, role); err != nil {
			return err
		}
	}
	s.role = role
	file, err := s.PublicFile()
	if err != nil {
		return err
	}
	return writeNew(path, 0o644, file)
}
