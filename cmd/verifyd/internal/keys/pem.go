package keys

import (
	"crypto"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/verifyd/verifyd/verify/input"
)

// maxFile bounds a key file in bytes. A PKCS#8 P-256 key is about 400 with its certificate.
const maxFile = 16 << 10

// PublicSuffix is what the public key's file adds to the private key's name.
const PublicSuffix = ".pub"

// ErrPrivateWhereKeyIsPublic means that a private key was offered where a
// public one is to be read.
var ErrPrivateWhereKeyIsPublic = errors.New("this is a private key, want the public one")

// encodePEM is a key file.
func encodePEM(kind string, der []byte, c certificate) []byte {
	var file []byte
	if line := c.String(); line != "" {
		file = append(file, line+"\n"...)
	}
	return append(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})...)
}

// decodePrivate reads a private key file, and the role that it certifies.
func decodePrivate(data []byte) (private, certificate, error) {
	b, err := readBlock(data)
	if err != nil {
		return private{}, certificate{}, err
	}
	key, err := b.private()
	if err != nil {
		return private{}, certificate{}, err
	}
	c, err := parseCertificate(b.head)
	if err == nil {
		err = c.holds(key.Public())
	}
	return key, c, err
}

// decodePublic reads the file of a public key, and the role that it certifies.
func decodePublic(data []byte) (crypto.PublicKey, certificate, error) {
	b, err := readBlock(data)
	if err != nil {
		return nil, certificate{}, err
	}
	pub, err := b.public()
	if err != nil {
		return nil, certificate{}, err
	}
	c, err := parseCertificate(b.head)
	if err == nil {
		err = c.holds(pub)
	}
	return pub, c, err
}

// Public is a public key, as its file has it.
type Public struct {
	Key         crypto.PublicKey
	Role        Role // certified, or given with the reference; or ""
	certificate certificate
}

// File is the file of the key, with the certificate of its role if it has one.
func (p *Public) File() ([]byte, error) { return encodePublic(p.Key, p.certificate) }

// ReadPublic reads the file of a public key that is wanted for a role: its
// certificate says so, or the reference, ROLE=PATH, or something trusted binds
// it to the role. Without a role wanted, "", any is taken.
func ReadPublic(ref string, want Role, bound ...Binding) (*Public, error) {
	given, path := assigned(ref)
	path = strings.TrimPrefix(path, schemeFile+":")
	data, err := readLimited(path, false)
	if err != nil {
		return nil, err
	}
	pub, c, err := decodePublic(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	p := &Public{pub, c.role, c}
	if p.Role, err = want.settle(p.Role, given, pub, bound); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// encodePublic is the file of a public key.
func encodePublic(pub crypto.PublicKey, c certificate) ([]byte, error) {
	der, err := marshalPublic(pub)
	if err != nil {
		return nil, err
	}
	return encodePEM(publicBlock, der, c), nil
}

// ReadSecret reads a file with a secret, of at most 16 KiB, which others may
// not read: else it is a [ModeError].
func ReadSecret(path string) ([]byte, error) { return readLimited(path, true) }

// readLimited reads a key file of at most its limit. A secret that others may
// read is refused, except on Windows, whose permissions do not say.
func readLimited(path string, secret bool) ([]byte, error) {
	f, info, err := input.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if mode := info.Mode().Perm(); secret && mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, &ModeError{Path: path, Mode: mode}
	}
	return input.All(f, path, maxFile)
}

// ModeError is a secret that others may read.
type ModeError struct {
	Path string
	Mode os.FileMode
}

func (e *ModeError) Error() string {
	return fmt.Sprintf("%s: mode %04o lets others read a private key, want 0600", e.Path, e.Mode)
}

// writeNew writes a file that must not exist.
func writeNew(path string, mode os.FileMode, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
