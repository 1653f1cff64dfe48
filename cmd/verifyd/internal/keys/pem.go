package keys

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// maxFile bounds a key file in bytes. A PKCS#8 P-256 key is about 240.
const maxFile = 16 << 10

// PublicSuffix is what the public key's file adds to the private key's name.
const PublicSuffix = ".pub"

const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// roleLine begins the line before the PEM block that states a key's role. RFC
// 7468 has readers pass over text before the block.
const roleLine = "verifyd-key/1 role="

// ErrPrivateWhereKeyIsPublic means that a private key was offered where a
// public one is to be read.
var ErrPrivateWhereKeyIsPublic = errors.New("this is a private key, want the public one")

// encodePEM is a key file.
func encodePEM(block string, der []byte, role Role) []byte {
	var file []byte
	if role != "" {
		file = append(file, roleLine+string(role)+"\n"...)
	}
	return append(file, pem.EncodeToMemory(&pem.Block{Type: block, Bytes: der})...)
}

// decodePEM returns the one PEM block of a key file, and the role that it
// states.
func decodePEM(data []byte, want string) (der []byte, role Role, err error) {
	text, _, _ := bytes.Cut(data, []byte("-----BEGIN"))
	for line := range strings.Lines(string(text)) {
		stated, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), roleLine)
		if !ok {
			continue
		}
		if role != "" {
			return nil, "", errors.New("states two roles")
		}
		if role, err = ParseRole(stated); err != nil {
			return nil, "", err
		}
	}
	block, rest := pem.Decode(data)
	switch {
	case bytes.HasPrefix(data, []byte(ageArmor)) || bytes.HasPrefix(data, []byte(ageIntro)):
		return nil, "", errors.New("this key is under a passphrase, refer to it as age:PATH")
	case block == nil:
		return nil, "", errors.New("not a PEM file")
	case want == publicBlock && block.Type == privateBlock:
		return nil, "", ErrPrivateWhereKeyIsPublic
	case block.Type != want:
		return nil, "", fmt.Errorf("PEM block is %.40q, want %q", block.Type, want)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, "", fmt.Errorf("%d bytes after the key", len(rest))
	}
	return block.Bytes, role, nil
}

// decodePrivate reads a private key file.
func decodePrivate(data []byte) (private, Role, error) {
	der, role, err := decodePEM(data, privateBlock)
	if err != nil {
		return private{}, "", err
	}
	key, err := parsePrivate(der)
	return key, role, err
}

// ReadPublic reads the file of a public key and checks that it does not state
// another role than the one that it is wanted for. It returns the role that
// the file states.
func ReadPublic(path string, want Role) (crypto.PublicKey, Role, error) {
	path = strings.TrimPrefix(path, schemeFile+":")
	data, err := readLimited(path, false)
	if err != nil {
		return nil, "", err
	}
	pub, role, err := decodePublic(data)
	if err == nil {
		err = want.Takes(role)
	}
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", path, err)
	}
	return pub, role, nil
}

func decodePublic(data []byte) (crypto.PublicKey, Role, error) {
	der, role, err := decodePEM(data, publicBlock)
	if err != nil {
		return nil, "", err
	}
	pub, err := parsePublic(der)
	return pub, role, err
}

// EncodePublic is the file of a public key.
func EncodePublic(pub crypto.PublicKey, role Role) ([]byte, error) {
	der, err := marshalPublic(pub)
	if err != nil {
		return nil, err
	}
	return encodePEM(publicBlock, der, role), nil
}

// readLimited reads a key file of at most its limit. A secret that others may
// read is refused, except on Windows, whose permissions do not say.
func readLimited(path string, secret bool) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if secret {
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
			return nil, &ModeError{Path: path, Mode: mode}
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: key file over the limit of %d bytes", path, maxFile)
	}
	return data, nil
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
