package keys

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"time"
)

// A Signer is an opened key. It signs SHA-256 digests with ECDSA, and messages
// with Ed25519, until it is closed.
type Signer struct {
	crypto.Signer
	role        Role
	certificate certificate
	close       func() error
}

// Role is the role that the key has, or "" if nothing says it.
func (s *Signer) Role() Role { return s.role }

// PublicFile is the file of the public half. A key with a role and without a
// certificate of it, as one in hardware, signs one.
func (s *Signer) PublicFile() ([]byte, error) {
	c := s.certificate
	if c.role != s.role {
		var err error
		if c, err = certify(s.Signer, s.role); err != nil {
			return nil, err
		}
	}
	return encodePublic(s.Public(), c)
}

// Close ends what holds the key: a plugin, a session with hardware.
func (s *Signer) Close() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}

// Passphrase asks for the passphrase of a key; with confirm, for that of a new
// one.
type Passphrase func(key string, confirm bool) ([]byte, error)

// Keyring opens and makes keys. The zero Keyring has no one to ask for a
// passphrase.
type Keyring struct {
	Passphrase Passphrase

	work    int           // log2 of scrypt's rounds for a new key; 0 for age's default
	timeout time.Duration // of a plugin's answer; 0 for pluginTimeout
}

// The schemes of references to keys. A reference without one of them is a path.
const (
	schemeFile   = "file"
	schemeEnv    = "env"
	schemeAge    = "age"
	schemePKCS11 = "pkcs11"
	schemePlugin = "plugin"
)

// split takes a reference apart.
func split(ref string) (scheme, rest string) {
	scheme, rest, found := strings.Cut(ref, ":")
	if found {
		switch scheme {
		case schemeFile, schemeEnv, schemeAge, schemePKCS11, schemePlugin:
			return scheme, rest
		}
	}
	return schemeFile, ref
}

// assigned takes the role that is given with a reference, ROLE=REF, from it.
func assigned(ref string) (role Role, rest string) {
	name, rest, found := strings.Cut(ref, "=")
	if found {
		if role, err := ParseRole(name); err == nil {
			return role, rest
		}
	}
	return "", ref
}

// Open opens the key that ref refers to, for a role: one that it certifies, that
// is given with the reference, ROLE=REF, or that something trusted binds the
// key to. A key without a role is refused,
// unless any will do, "". The context bounds the life of a plugin. Errors name
// the reference, which holds no secret.
func (k Keyring) Open(ctx context.Context, ref string, want Role, bound ...Binding) (*Signer, error) {
	given, rest := assigned(ref)
	s, err := k.open(ctx, rest)
	if err != nil {
		return nil, err
	}
	if s.role, err = want.settle(s.role, given, s.Public(), bound); err != nil {
		return nil, fmt.Errorf("%s: %w", rest, errors.Join(err, s.Close()))
	}
	return s, nil
}

func (k Keyring) open(ctx context.Context, ref string) (*Signer, error) {
	scheme, rest := split(ref)
	switch scheme {
	case schemeEnv:
		text, ok := os.LookupEnv(rest)
		if !ok {
			return nil, fmt.Errorf("%s: the variable is not set", ref)
		}
		if len(text) > maxFile {
			return nil, fmt.Errorf("%s: over the limit of %d bytes", ref, maxFile)
		}
		return decoded(ref, "", []byte(text))
	case schemeAge:
		data, err := ReadSecret(rest)
		if err != nil {
			return nil, err
		}
		plain, err := k.decrypt(rest, data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rest, err)
		}
		return decoded(rest, rest, plain)
	case schemePKCS11:
		return openPKCS11(ref)
	case schemePlugin:
		return openPlugin(ctx, ref, rest, cmp.Or(k.timeout, pluginTimeout))
	}
	data, err := ReadSecret(rest)
	if err != nil {
		return nil, err
	}
	return decoded(rest, rest, data)
}

// decoded is the signer of a private key file's content. If that certifies no
// role, the file of its public half beside it may.
func decoded(name, beside string, data []byte) (*Signer, error) {
	key, c, err := decodePrivate(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if c.role == "" && beside != "" {
		c = certificateBeside(beside, key.Public())
	}
	return &Signer{Signer: key.Signer, role: c.role, certificate: c}, nil
}

// certificateBeside is the certificate in the file of a key's public half. A
// file that is not there, or is of another key, says nothing about this one.
func certificateBeside(path string, pub crypto.PublicKey) certificate {
	data, err := readLimited(path+PublicSuffix, false)
	if err != nil {
		return certificate{}
	}
	other, c, err := decodePublic(data)
	if err != nil || !same(other, pub) {
		return certificate{}
	}
	return c
}

// same says that two public keys are one.
func same(a, b crypto.PublicKey) bool {
	derA, errA := marshalPublic(a)
	derB, errB := marshalPublic(b)
	return errA == nil && errB == nil && bytes.Equal(derA, derB)
}

// New makes a key of a role where ref, a path, file: or age:, refers to, and its
// public half beside it. It never replaces a file.
func (k Keyring) New(ref string, role Role, a Algorithm) (*Signer, error) {
	if err := role.Allows(a); err != nil {
		return nil, err
	}
	scheme, path := split(ref)
	if scheme != schemeFile && scheme != schemeAge {
		return nil, fmt.Errorf("%s: keys of %s are made by its own tools", ref, scheme)
	}
	if _, err := os.Lstat(path); err == nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: syscall.EEXIST} // before a passphrase is asked for
	}
	key, err := generate(a)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	c, err := certify(key.Signer, role)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	s := &Signer{Signer: key.Signer, role: role, certificate: c}
	der, err := key.marshal()
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	public, err := s.PublicFile()
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	file := encodePEM(privateBlock, der, c)
	if scheme == schemeAge {
		if file, err = k.encrypt(path, file); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	if err := writeNew(path, 0o600, file); err != nil {
		return nil, err
	}
	if err := writeNew(path+PublicSuffix, 0o644, public); err != nil {
		return nil, errors.Join(err, os.Remove(path))
	}
	return s, nil
}

// InPlainFile says that ref is the path of a file without a passphrase.
func InPlainFile(ref string) bool {
	_, ref = assigned(ref)
	scheme, _ := split(ref)
	return scheme == schemeFile
}

// InFile says that ref is the path of a file, under a passphrase or not.
func InFile(ref string) bool {
	_, ref = assigned(ref)
	scheme, _ := split(ref)
	return scheme == schemeFile || scheme == schemeAge
}

// PublicPath is where New puts the public half of the key that ref refers to.
func PublicPath(ref string) string {
	_, ref = assigned(ref)
	_, path := split(ref)
	return path + PublicSuffix
}
