package keys

import (
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
	role  Role
	close func() error
}

// Role is the role that the key states, or "".
func (s *Signer) Role() Role { return s.role }

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

// Open opens the key that ref refers to, for a role. The context bounds the
// life of a plugin. Errors name the reference, which holds no secret.
func (k Keyring) Open(ctx context.Context, ref string, want Role) (*Signer, error) {
	s, err := k.open(ctx, ref)
	if err != nil {
		return nil, err
	}
	if err := want.Takes(s.role); err != nil {
		return nil, fmt.Errorf("%s: %w", ref, errors.Join(err, s.Close()))
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
		return decoded(ref, []byte(text))
	case schemeAge:
		data, err := readLimited(rest, true)
		if err != nil {
			return nil, err
		}
		plain, err := k.decrypt(rest, data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", rest, err)
		}
		return decoded(rest, plain)
	case schemePKCS11:
		return openPKCS11(ref)
	case schemePlugin:
		return openPlugin(ctx, ref, rest, cmp.Or(k.timeout, pluginTimeout))
	}
	data, err := readLimited(rest, true)
	if err != nil {
		return nil, err
	}
	return decoded(rest, data)
}

// decoded is the signer of a private key file's content.
func decoded(name string, data []byte) (*Signer, error) {
	key, role, err := decodePrivate(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &Signer{Signer: key.Signer, role: role}, nil
}

// New makes a key where ref, a path, file: or age:, refers to, and its public
// half beside it. It never replaces a file. A key without a role, "", may be
// used in any.
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
	der, err := key.marshal()
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	public, err := EncodePublic(key.Public(), role)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	file := encodePEM(privateBlock, der, role)
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
	return &Signer{Signer: key.Signer, role: role}, nil
}

// InPlainFile says that ref is the path of a file without a passphrase.
func InPlainFile(ref string) bool {
	scheme, _ := split(ref)
	return scheme == schemeFile
}

// PublicPath is where New puts the public half of the key that ref refers to.
func PublicPath(ref string) string {
	_, path := split(ref)
	return path + PublicSuffix
}
