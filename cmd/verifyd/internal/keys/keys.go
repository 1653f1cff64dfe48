// Package keys keeps P-256 keys in PEM files: PKCS#8 for the private one,
// readable by its owner alone, SPKI for the public one beside it. It never
// prints a private key, and knows no key service.
package keys

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
)

// maxFile bounds a key file in bytes. A PKCS#8 P-256 key is about 240.
const maxFile = 16 << 10

// PublicSuffix is what the public key's file adds to the private key's name.
const PublicSuffix = ".pub"

// ErrPrivateWhereKeyIsPublic means that a private key was offered where a
// public one is to be read.
var ErrPrivateWhereKeyIsPublic = errors.New("this is a private key, want the public one")

// New makes a key and writes it to path and path.pub. It never replaces a
// file.
func New(path string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	if err := create(path, 0o600, "PRIVATE KEY", private); err != nil {
		return nil, err
	}
	if err := create(path+PublicSuffix, 0o644, "PUBLIC KEY", public); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return key, nil
}

func create(path string, mode os.FileMode, kind string, der []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := f.Write(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// ReadPrivate reads a private key. A file that others may read is refused,
// except on Windows, whose permissions do not say.
func ReadPrivate(path string) (*ecdsa.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("%s: mode %04o lets others read a private key, want 0600", path, mode)
	}
	der, err := read(path, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("%s: not a PKCS#8 key: %w", path, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s: want an ECDSA key on P-256", path)
	}
	return key, nil
}

// ReadPublic reads a public key.
func ReadPublic(path string) (*ecdsa.PublicKey, error) {
	der, err := read(path, "PUBLIC KEY")
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, fmt.Errorf("%s: not an SPKI key: %w", path, err)
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%s: want an ECDSA key on P-256", path)
	}
	return key, nil
}

// read returns the one PEM block of a file.
func read(path, kind string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: key file over the limit of %d bytes", path, maxFile)
	}
	block, rest := pem.Decode(data)
	switch {
	case block == nil:
		return nil, fmt.Errorf("%s: not a PEM file", path)
	case kind == "PUBLIC KEY" && block.Type == "PRIVATE KEY":
		return nil, fmt.Errorf("%s: %w", path, ErrPrivateWhereKeyIsPublic)
	case block.Type != kind:
		return nil, fmt.Errorf("%s: PEM block is %.40q, want %q", path, block.Type, kind)
	case len(rest) > 0:
		return nil, fmt.Errorf("%s: %d bytes after the key", path, len(rest))
	}
	return block.Bytes, nil
}
